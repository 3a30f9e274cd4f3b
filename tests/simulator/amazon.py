"""Starts moto with its answers put right where they are not Amazon's and a client notices.

- moto names the root of some S3 answers after the operation, which strict clients refuse.
- It forgets the tags that come with CreateBucket.
- It loses the empty value of a bucket's tag, and gives the object for its retention.
- It takes any text for a bucket's policy.
- It forgets the size below which nothing moves to another storage class.
- Of a bucket's policy it applies statements for everybody whatever their conditions; here
  the condition aws:SecureTransport counts, and statements with others do nothing.
- It has no permissions boundaries of users; here they are kept, and not applied.
- With its authentication switched on it fails on signed addresses, takes disabled keys, and
  checks the signature of a form as it would have written the form itself; its refusals have
  a form that Amazon's do not have.

It listens a second time, behind TLS, and has the one call of single sign-on that gives a
role to a token. With ADMIN_KEY in the environment signatures and the
policies of users are checked, and that key is an administrator's. What a bucket's policy
gives to a principal is still not applied.
"""

import json
import os
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

import xmltodict
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from flask import request
from moto import server, settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError
from moto.core.responses import EmptyResult
from moto.iam.access_control import (
    IAMPolicyStatement,
    IAMUserAccessKey,
    PermissionResult,
    S3IAMRequest,
)
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.exceptions import BucketAccessDeniedError, S3ClientError
from moto.s3.models import FakeBucket, S3Backend
from moto.s3.responses import S3Response
from moto.sts.models import sts_backends
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.serving import run_simple

# Amazon's own names, by operation.
ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
# What a lifecycle travels with, by the path of the bucket; moto knows the default alone.
SIZE = "x-amz-transition-default-minimum-object-size"
SIZES = {}
# The account of every key that moto has not made itself.
ACCOUNT = "123456789012"
# Where the token of single sign-on is kept.
TOKEN = "amazon.token"


class NoSuchObjectLock(S3ClientError):
    """The refusal of an object that nobody has locked."""


serialized = S3Response.serialized
get_key = S3Response._key_response_get
put_bucket_tagging = S3Backend.put_bucket_tagging
create_bucket = S3Backend.create_bucket
put_bucket_policy = S3Backend.put_bucket_policy
user_key = IAMUserAccessKey.__init__
make_environ = MotoRequestHandler.make_environ
create_user = IamResponse.create_user
authenticate = ActionAuthenticatorMixin._authenticate_and_authorize_action


def with_amazons_root(self, *args, **kwargs):
    status, headers, body = serialized(self, *args, **kwargs)
    action = self.data.get("Action")
    if action in ROOTS and isinstance(body, str):
        body = body.replace(f"<{action}Response", f"<{ROOTS[action]}")
        body = body.replace(f"</{action}Response>", f"</{ROOTS[action]}>")
    bucket = request.path.rstrip("/")
    if action == "GetBucketLifecycleConfiguration" and bucket in SIZES:
        headers[SIZE] = SIZES[bucket]
    return status, headers, body


def with_tags(self, bucket_name, *args, **kwargs):
    bucket = create_bucket(self, bucket_name, *args, **kwargs)
    body = request.get_data(cache=True, as_text=True)
    wanted = xmltodict.parse(body)["CreateBucketConfiguration"] if body else {}
    tags = (wanted.get("Tags") or {}).get("Tag") or []
    tags = tags if isinstance(tags, list) else [tags]
    # The tests want a server that drops them, too.
    if tags and not bucket_name.startswith("drops-tags"):
        pairs = {tag["Key"]: tag["Value"] or "" for tag in tags}
        self.put_bucket_tagging(bucket_name, pairs)
    return bucket


def with_values(self, bucket_name, tags):
    put_bucket_tagging(self, bucket_name, {key: value or "" for key, value in tags.items()})


def with_retention(self, query, key_name):
    if "retention" not in query:
        return get_key(self, query, key_name)
    self._set_action("KEY", "GET", query)
    self._authenticate_and_authorize_s3_action(bucket_name=self.bucket_name, key_name=key_name)
    version = query.get("versionId", [None])[0]
    found = self.backend.get_object(self.bucket_name, key_name, version_id=version)
    if found is None or not found.lock_mode:
        message = "The specified object does not have a ObjectLock configuration"
        raise NoSuchObjectLock("NoSuchObjectLockConfiguration", message)
    until = f"<RetainUntilDate>{found.lock_until}</RetainUntilDate>"
    return 200, {}, f"<Retention><Mode>{found.lock_mode}</Mode>{until}</Retention>"


def with_a_document(self, bucket_name, policy):
    try:
        json.loads(policy)
    except ValueError:
        message = "Policies must be valid JSON and the first byte must be '{'"
        raise S3ClientError("MalformedPolicy", message) from None
    put_bucket_policy(self, bucket_name, policy)


def holds(condition):
    """Whether a condition is met; None for one that is not understood."""
    if not condition:
        return True
    if list(condition) == ["Bool"] and list(condition["Bool"]) == ["aws:SecureTransport"]:
        return condition["Bool"]["aws:SecureTransport"] == str(request.is_secure).lower()
    return None


def permission_for_everybody(self, action, resource):
    """What the statements for everybody say about an action."""
    found = PermissionResult.NEUTRAL
    for raw in json.loads(self.policy)["Statement"] if self.policy else []:
        is_for_all = raw.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        statement = IAMPolicyStatement(raw)
        if (
            not is_for_all
            or not holds(raw.get("Condition"))
            or not statement._check_element_matches("Action", action)
            or not statement._check_element_matches("Resource", resource)
        ):
            continue
        if raw["Effect"] == "Deny":
            return PermissionResult.DENIED
        found = PermissionResult.PERMITTED
    return found


class SignedAddress(S3IAMRequest):
    """A request whose signature is in its address."""

    def _calculate_signature(self):
        query = parse_qs(urlsplit(self._path).query)
        lifetime = int(query["X-Amz-Expires"][0])
        credentials = self._access_key.create_credentials()
        auth = S3SigV4QueryAuth(credentials, self._service, self._region, lifetime)
        path, _, rest = self._path.partition("?")
        pairs = [pair for pair in rest.split("&") if not pair.startswith("X-Amz-Signature=")]
        signed = AWSRequest(
            method=self._method,
            url=f"http://{self._headers['Host']}{path}?{'&'.join(pairs)}",
            headers={"host": self._headers["Host"]},
        )
        signed.context["timestamp"] = query["X-Amz-Date"][0]
        text = auth.string_to_sign(signed, auth.canonical_request(signed))
        return auth.signature(text, signed)


# What the JSON services call the refusals of the others.
REFUSALS = {
    "AccessDenied": "AccessDeniedException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "InvalidClientTokenId": "UnrecognizedClientException",
}


def authenticate_in_amazons_words(self, iam_request, resource="*"):
    try:
        return authenticate_addresses_too(self, iam_request, resource)
    except HTTPException as refusal:
        if self.headers.get("X-Amz-Target"):
            kind = REFUSALS.get(refusal.error_type, refusal.error_type)
            raise JsonRESTError(kind, refusal.message) from None
        for tag in ("<Errors>", "</Errors>"):
            refusal.description = refusal.description.replace(tag, "")
        raise


def authenticate_addresses_too(self, iam_request, resource="*"):
    if request.mimetype == "application/x-www-form-urlencoded":
        self.raw_body = request.get_data()
    is_on = ActionAuthenticatorMixin.request_count >= settings.INITIAL_NO_AUTH_ACTION_COUNT
    if not is_on or "Authorization" in self.headers:
        return authenticate(self, iam_request, resource)
    if request.method == "OPTIONS" or self._get_action() == "AssumeRoleWithWebIdentity":
        return None
    query = parse_qs(urlsplit(self.uri).query)
    if "X-Amz-Signature" not in query:
        raise BucketAccessDeniedError(bucket=self.bucket_name)
    self.headers = Headers(self.headers)
    self.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={query['X-Amz-Credential'][0]}, "
        f"SignedHeaders=host, Signature={query['X-Amz-Signature'][0]}"
    )
    if "X-Amz-Security-Token" in query:
        self.headers["X-Amz-Security-Token"] = query["X-Amz-Security-Token"][0]
    return authenticate(self, SignedAddress, resource)


def only_enabled(self, account_id, partition, access_key_id, headers):
    user_key(self, account_id, partition, access_key_id, headers)
    for key in self.backend.list_access_keys(self._owner_user_name):
        if key.access_key_id == access_key_id and key.status != "Active":
            # Known to nobody, as Amazon answers for it.
            user_key(self, account_id, partition, "disabled", headers)


def with_boundary(self):
    answer = create_user(self)
    put_boundary(self)
    return answer


def put_boundary(self):
    arn = self._get_param("PermissionsBoundary")
    kind = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    user = self.backend.get_user(self._get_param("UserName"))
    user.permissions_boundary = kind if arn else None
    return EmptyResult()


def switch_authentication_on(key, secret):
    iam = iam_backends[ACCOUNT]["aws"]
    iam.create_user("aws", "admin")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything]}
    iam.put_user_policy("admin", "admin", json.dumps(document))
    made = iam.create_access_key("admin")
    made.access_key_id, made.secret_access_key = key, secret
    iam.access_keys[key] = made
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0


def with_token(self):
    # The server drops names of headers that have an underscore.
    return {**make_environ(self), TOKEN: self.headers.get("x-amz-sso_bearer_token")}


def role_of_single_sign_on():
    if request.environ[TOKEN] != "signed-on":
        return {"message": "Session token not found or invalid"}, 401
    role = sts_backends[ACCOUNT]["aws"].assume_role(
        region_name="us-east-1",
        role_session_name="jane",
        role_arn=f"arn:aws:iam::{request.args['account_id']}:role/{request.args['role_name']}",
        policy=None,
        duration=3600,
        external_id=None,
    )
    return {
        "roleCredentials": {
            "accessKeyId": role.access_key_id,
            "secretAccessKey": role.secret_access_key,
            "sessionToken": role.session_token,
            "expiration": int((time.time() + 3600) * 1000),
        }
    }


def app_that_keeps_bodies(service):
    app = create_backend_app(service)

    @app.before_request
    def keep_body():
        request.get_data(cache=True)
        if request.method == "PUT" and "lifecycle" in request.args and SIZE in request.headers:
            SIZES[request.path.rstrip("/")] = request.headers[SIZE]
        elif request.method == "PUT" and "lifecycle" in request.args:
            SIZES.pop(request.path.rstrip("/"), None)
        if request.path == "/federation/credentials":
            return role_of_single_sign_on()
        return None

    return app


def behind_tls():
    run_simple(
        "127.0.0.1",
        int(os.environ["TLS_PORT"]),
        DomainDispatcherApplication(app_that_keeps_bodies),
        threaded=True,
        ssl_context=(os.environ["TLS_CERTIFICATE"], os.environ["TLS_KEY"]),
        request_handler=MotoRequestHandler,
    )


MotoRequestHandler.make_environ = with_token
server.create_backend_app = app_that_keeps_bodies
S3Response.serialized = with_amazons_root
S3Response._key_response_get = with_retention
S3Backend.create_bucket = with_tags
S3Backend.put_bucket_tagging = with_values
S3Backend.put_bucket_policy = with_a_document
FakeBucket.get_permission = permission_for_everybody
IamResponse.create_user = with_boundary
IamResponse.put_user_permissions_boundary = put_boundary
IamResponse.delete_user_permissions_boundary = put_boundary
ActionAuthenticatorMixin._authenticate_and_authorize_action = authenticate_in_amazons_words
IAMUserAccessKey.__init__ = only_enabled
if "ADMIN_KEY" in os.environ:
    switch_authentication_on(os.environ["ADMIN_KEY"], os.environ["ADMIN_SECRET"])
threading.Thread(target=behind_tls, daemon=True).start()
server.main(sys.argv[1:])
