"""Asks the simulator by Google's own library, which knows nothing of it.

Reads one request a line as JSON: {"to": {"endpoint": address, "key": key file}, "call":
name, "args": {...}}; answers one line: {"ok": ...} or {"error": status, "message": text}.
"""

import base64
import datetime
import json
import os
import sys
import tempfile

os.environ["NO_PROXY"] = "*"

import google.auth.exceptions
import google.auth.iam
import google.auth.identity_pool
import google.auth.impersonated_credentials
import google.auth.transport.requests
import google.oauth2.credentials
from google.api_core.exceptions import GoogleAPICallError
from google.auth.transport import requests
from google.cloud import storage
from google.cloud.storage import _signing, transfer_manager
from google.oauth2 import service_account

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class Local(requests.Request):
    """Sends to the simulator what the library would send to Google."""

    endpoint = ""

    def __call__(self, url, **rest):
        google = "https://iamcredentials.googleapis.com"
        return super().__call__(url.replace(google, Local.endpoint), **rest)


_signing.requests.Request = Local


def credentials(to):
    return service_account.Credentials.from_service_account_info(to["key"], scopes=[SCOPE])


def client(to, with_credentials=None):
    return storage.Client(
        project=to["key"]["project_id"],
        credentials=with_credentials or credentials(to),
        client_options={"api_endpoint": to["endpoint"]},
    )


def create(to, name, location="US", project=None, **settings):
    bucket = client(to).bucket(name)
    for setting, value in settings.items():
        apply(bucket, setting, value)
    bucket.create(location=location, project=project)
    return bucket._properties


def apply(bucket, setting, value):
    if setting == "soft_delete":
        bucket.soft_delete_policy.retention_duration_seconds = value
    elif setting == "uniform":
        bucket.iam_configuration.uniform_bucket_level_access_enabled = value
    elif setting == "prevention":
        bucket.iam_configuration.public_access_prevention = value
    elif setting == "lifecycle":
        bucket.clear_lifecyle_rules()
        for rule in value:
            kind = rule.pop("kind")
            if kind == "delete":
                bucket.add_lifecycle_delete_rule(**rule)
            else:
                bucket.add_lifecycle_abort_incomplete_multipart_upload_rule(**rule)
    else:
        setattr(bucket, setting, value)


def get(to, name):
    return client(to).get_bucket(name)._properties


def patch(to, name, if_metageneration_match=None, **settings):
    bucket = client(to).get_bucket(name)
    for setting, value in settings.items():
        apply(bucket, setting, value)
    bucket.patch(if_metageneration_match=if_metageneration_match)
    return client(to).get_bucket(name)._properties


def drop(to, name):
    client(to).bucket(name).delete()


def names(to, prefix=None):
    return [bucket.name for bucket in client(to).list_buckets(prefix=prefix)]


def permissions(to, name, wanted):
    return client(to).bucket(name).test_iam_permissions(wanted)


def policy(to, name, version=3):
    found = client(to).bucket(name).get_iam_policy(requested_policy_version=version)
    return found.to_api_repr()


def bind(to, name, role, member, condition=None):
    bucket = client(to).bucket(name)
    found = bucket.get_iam_policy(requested_policy_version=3)
    found.version = 3
    found.bindings.append({"role": role, "members": {member}, "condition": condition})
    return bucket.set_iam_policy(found).to_api_repr()


def bind_late(to, name, role, member):
    """Writes a policy that somebody else has changed since it was read."""
    bucket = client(to).bucket(name)
    found = bucket.get_iam_policy(requested_policy_version=3)
    bind(to, name, "roles/storage.objectViewer", member)
    found.bindings.append({"role": role, "members": {member}})
    bucket.set_iam_policy(found)


def put(to, name, key, text, **settings):
    blob = client(to).bucket(name).blob(key)
    for setting, value in settings.items():
        setattr(blob, setting, value)
    blob.upload_from_string(text)
    return blob._properties


def put_in_pieces(to, name, key, size):
    blob = client(to).bucket(name).blob(key, chunk_size=4 << 20)
    blob.upload_from_string(b"x" * size, content_type="application/test")
    return blob._properties


def put_in_parts(to, name, key, size):
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(size))
        file.flush()
        blob = client(to).bucket(name).blob(key)
        transfer_manager.upload_chunks_concurrently(
            file.name, blob, chunk_size=5 << 20, worker_type="thread", max_workers=2
        )
        file.seek(0)
        same = blob.download_as_bytes() == file.read()
    blob.reload()
    return {"same": same, **blob._properties}


def fetch(to, name, key, generation=None):
    return client(to).bucket(name).blob(key, generation=generation).download_as_text()


def change(to, name, key, **settings):
    blob = client(to).bucket(name).get_blob(key)
    for setting, value in settings.items():
        setattr(blob, setting, value)
    blob.patch()
    return blob._properties


def objects(to, name, **wanted):
    found = client(to).list_blobs(name, **wanted)
    items = [{"name": one.name, "generation": one.generation} for one in found]
    return {"items": items, "prefixes": sorted(found.prefixes)}


def remove(to, name, key, generation=None):
    client(to).bucket(name).blob(key, generation=generation).delete()


def restore(to, name, key, generation):
    return client(to).bucket(name).restore_blob(key, generation=generation)._properties


def remove_many(to, name, keys):
    known = client(to)
    with known.batch():
        for key in keys:
            known.bucket(name).blob(key).delete()


def sign(to, name, key, method="GET", seconds=60, virtual=None, **more):
    blob = client(to).bucket(name).blob(key)
    if virtual:
        more["virtual_hosted_style"] = True
    return blob.generate_signed_url(
        version="v4",
        method=method,
        expiration=datetime.timedelta(seconds=seconds),
        api_access_endpoint=virtual or to["endpoint"],
        **more,
    )


def sign_remotely(to, name, key, email):
    """Signs by signBlob, as those do who have a token and no key."""
    own = credentials(to)
    own.refresh(Local())
    return sign(to, name, key, service_account_email=email, access_token=own.token)


def sign_blob(to, email, text):
    signer = google.auth.iam.Signer(Local(), credentials(to), email)
    return base64.b64encode(signer.sign(text.encode())).decode()


def service_agent(to):
    return client(to).get_service_account_email()


def impersonate(to, email, name):
    endpoint = f"{to['endpoint']}/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    other = google.auth.impersonated_credentials.Credentials(
        source_credentials=credentials(to),
        target_principal=email,
        target_scopes=[SCOPE],
        iam_endpoint_override=endpoint,
    )
    return client(to, other).get_bucket(name)._properties


def as_person(to, file, name):
    file = json.loads(file)
    kept = ["refresh_token", "token_uri", "client_id", "client_secret"]
    person = google.oauth2.credentials.Credentials(None, **{name: file[name] for name in kept})
    return client(to, person).get_bucket(name)._properties


def as_stranger(to, token, audience, name):
    """Signs in with another identity provider's token."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(token)
        file.flush()
        stranger = google.auth.identity_pool.Credentials(
            audience=audience,
            subject_token_type="urn:ietf:params:oauth:token-type:jwt",
            token_url=f"{to['endpoint']}/v1/token",
            credential_source={"file": file.name},
            scopes=[SCOPE],
        )
        return client(to, stranger).get_bucket(name)._properties


def answer(request):
    Local.endpoint = request["to"]["endpoint"]
    try:
        call = globals()[request["call"]]
        return {"ok": call(request["to"], **request["args"])}
    except GoogleAPICallError as error:
        return {"error": error.code, "message": error.message}
    except google.auth.exceptions.GoogleAuthError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except Exception as error:  # The next test asks as well.
        return {"error": type(error).__name__, "message": str(error)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line)), default=str), flush=True)
