"""Asks the simulator by Microsoft's own libraries, which know nothing of it.

Reads one request a line as JSON: {"to": what the simulator says when it is ready, "as":
credentials, "call": name, "args": [...], "more": {...}}; answers one line: {"ok": ...} or
{"error": code, "status": status, "message": text}. A call is a function of this file, or
an operation of a management client as in `storage.storage_accounts.begin_create`.
"""

import datetime
import json
import logging
import os
import sys

os.environ["NO_PROXY"] = "*"
# Refusals are what is wanted: they are not to be told twice.
logging.disable(logging.CRITICAL)

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.paging import ItemPaged
from azure.core.polling import LROPoller
from azure.identity import (
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
)
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobServiceClient,
    CorsRule,
    RetentionPolicy,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)

CLIENTS = {
    "storage": StorageManagementClient,
    "msi": ManagedServiceIdentityClient,
    "authorization": AuthorizationManagementClient,
}


class Given:
    """A token that somebody has already."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **rest):
        from azure.core.credentials import AccessToken

        return AccessToken(self.token, 4102444800)


def credential(to, of):
    options = {
        "authority": to["authority"],
        "disable_instance_discovery": True,
        "connection_verify": to["ca_file"],
        "retry_total": 0,
    }
    tenant = of.get("tenant_id", to["tenant_id"])
    client = of.get("client_id", to["client_id"])
    if "token" in of:
        return Given(of["token"])
    if "managed" in of:
        for name, value in of["managed"].items():
            os.environ[name] = value
        return ManagedIdentityCredential(client_id=of["client_id"], retry_total=0)
    if "assertion" in of:
        return ClientAssertionCredential(tenant, client, lambda: of["assertion"], **options)
    secret = of.get("client_secret", to["client_secret"])
    return ClientSecretCredential(tenant, client, secret, **options)


def management(to, of, name):
    client = CLIENTS[name]
    return client(
        credential(to, of),
        to["subscription_id"],
        base_url=to["resource_manager"],
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=to["ca_file"],
        retry_total=0,
        polling_interval=0,
    )


def plain(value):
    if isinstance(value, LROPoller):
        return plain(value.result())
    if isinstance(value, (ItemPaged, list, tuple)) or hasattr(value, "by_page"):
        return [plain(one) for one in value]
    if hasattr(value, "serialize"):
        return plain(value.serialize(keep_readonly=True))
    if hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return {key: plain(one) for key, one in vars(value).items() if not key.startswith("_")}


def service(to, of):
    account = of["account"]
    if "sas" in of:
        credential_ = of["sas"]
    elif "key" in of:
        credential_ = of["key"]
    elif of.get("nobody"):
        credential_ = None
    else:
        credential_ = credential(to, of)
    return BlobServiceClient(
        f"{to['blob']}/{account}",
        credential_,
        connection_verify=to["ca_file"],
        retry_total=0,
        max_single_put_size=of.get("single", 1 << 20),
        max_block_size=of.get("block", 1 << 20),
        min_large_block_upload_threshold=of.get("block", 1 << 20) + 1,
    )


def sign_in(to, of, scope):
    return credential(to, of).get_token(scope).token


def create_container(to, of, name, **more):
    service(to, of).create_container(name, **more)


def delete_container(to, of, name):
    service(to, of).delete_container(name)


def undelete_container(to, of, name, version):
    service(to, of).undelete_container(name, version)


def containers(to, of, **more):
    found = service(to, of).list_containers(**more)
    keys = ("name", "metadata", "version", "deleted", "public_access")
    return [{key: one[key] for key in keys} for one in found]


def container(to, of, name):
    found = service(to, of).get_container_client(name).get_container_properties()
    return {"metadata": found.metadata, "has_legal_hold": found.has_legal_hold}


def put(to, of, container, name, text, **more):
    client = service(to, of).get_blob_client(container, name)
    return plain(client.upload_blob(text.encode(), **more))


def get(to, of, container, name, **more):
    client = service(to, of).get_blob_client(container, name)
    return client.download_blob(**more).readall().decode()


def properties(to, of, container, name, **more):
    found = service(to, of).get_blob_client(container, name).get_blob_properties(**more)
    return {
        "size": found.size,
        "type": found.content_settings.content_type,
        "metadata": found.metadata,
        "version": found.version_id,
        "current": found.is_current_version,
    }


def set_metadata(to, of, container, name, **metadata):
    client = service(to, of).get_blob_client(container, name)
    client.set_blob_metadata(metadata)


def delete(to, of, container, name, **more):
    service(to, of).get_blob_client(container, name).delete_blob(**more)


def undelete(to, of, container, name):
    service(to, of).get_blob_client(container, name).undelete_blob()


def snapshot(to, of, container, name):
    return service(to, of).get_blob_client(container, name).create_snapshot()["snapshot"]


def blobs(to, of, container, **more):
    found = service(to, of).get_container_client(container).list_blobs(**more)
    keys = ("name", "size", "version_id", "is_current_version", "deleted", "snapshot")
    return [{key: one[key] for key in keys} for one in found]


def walk(to, of, container, **more):
    found = service(to, of).get_container_client(container).walk_blobs(**more)
    return [one.name for one in found]


def stage(to, of, container, name, identifier, text):
    service(to, of).get_blob_client(container, name).stage_block(identifier, text.encode())


def commit(to, of, container, name, identifiers):
    client = service(to, of).get_blob_client(container, name)
    client.commit_block_list([BlobBlock(one) for one in identifiers])


def block_list(to, of, container, name):
    client = service(to, of).get_blob_client(container, name)
    committed, waiting = client.get_block_list("all")
    return [[one.id for one in committed], [one.id for one in waiting]]


def service_properties(to, of):
    found = service(to, of).get_service_properties()
    rules = [
        {"origins": one.allowed_origins, "age": one.max_age_in_seconds} for one in found["cors"]
    ]
    policy = found["delete_retention_policy"]
    return {"cors": rules, "days": policy.days if policy.enabled else None}


def set_service_properties(to, of, days, origins):
    rule = CorsRule(origins, ["GET"], max_age_in_seconds=5)
    service(to, of).set_service_properties(
        cors=[rule], delete_retention_policy=RetentionPolicy(True, days)
    )


def _soon(minutes):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)


def account_sas(to, of, types, permission, minutes=5):
    return generate_account_sas(of["account"], of["key"], types, permission, _soon(minutes))


def container_sas(to, of, container, permission, minutes=5):
    return generate_container_sas(
        of["account"], container, of["key"], permission=permission, expiry=_soon(minutes)
    )


def blob_sas(to, of, container, name, permission, minutes=5):
    return generate_blob_sas(
        of["account"], container, name, account_key=of["key"], permission=permission,
        expiry=_soon(minutes),
    )


def delegated_sas(to, of, container, name, permission, minutes=5):
    key = service(to, of).get_user_delegation_key(_soon(-5), _soon(60))
    if name is None:
        return generate_container_sas(
            of["account"], container, user_delegation_key=key, permission=permission,
            expiry=_soon(minutes),
        )
    return generate_blob_sas(
        of["account"], container, name, user_delegation_key=key, permission=permission,
        expiry=_soon(minutes),
    )


def answer(request):
    to, of, name = request["to"], request["as"], request["call"]
    args, more = request["args"], request["more"]
    client, _, rest = name.partition(".")
    if not rest:
        return globals()[name](to, of, *args, **more)
    found = management(to, of, client)
    for part in rest.split("."):
        found = getattr(found, part)
    return found(*args, **more)


for line in sys.stdin:
    try:
        reply = {"ok": plain(answer(json.loads(line)))}
    except (ClientAuthenticationError, HttpResponseError) as error:
        code = getattr(error, "error_code", None) or getattr(error.error, "code", None)
        code = str(getattr(code, "value", code))
        reply = {"error": code, "status": error.status_code, "message": str(error)}
    except Exception as error:
        reply = {"error": type(error).__name__, "status": 0, "message": str(error)}
    print(json.dumps(reply), flush=True)
