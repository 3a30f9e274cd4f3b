"""Asks a server by clients that share nothing with the provider: boto3 and MinIO's own.

Reads one request a line as JSON: {"to": {...}, "client": "s3" | "iam" | "admin" | …, "call":
name, "args": {...}}; answers one line: {"ok": ...} or {"error": code, "message": text}.
Clients of boto3 ask in us-east-1, or in the region after an "@": "kms@eu-west-1".
"""

import base64
import datetime
import hashlib
import json
import sys

import boto3
import botocore.config
import botocore.exceptions
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from minio.credentials import StaticProvider
from minio.error import MinioAdminException
from minio.minioadmin import MinioAdmin

CLIENTS = {}
# What listens on loopback has made its certificate itself.
urllib3.disable_warnings()


def client(to, kind):
    key = (kind, to["endpoint"], to["access_key"], to["secret_key"])
    if key not in CLIENTS:
        if kind == "admin":
            CLIENTS[key] = MinioAdmin(
                endpoint=to["endpoint"].split("://")[1],
                credentials=StaticProvider(to["access_key"], to["secret_key"]),
                secure=False,
            )
        else:
            service, _, region = kind.partition("@")
            CLIENTS[key] = boto3.client(
                service,
                endpoint_url=to["endpoint"],
                aws_access_key_id=to["access_key"],
                aws_secret_access_key=to["secret_key"],
                region_name=region or "us-east-1",
                # Servers that speak TLS here have an authority of their own.
                verify=not to["endpoint"].startswith("https://127.0.0.1"),
                config=botocore.config.Config(
                    s3={"addressing_style": "path"}, retries={"max_attempts": 1}
                ),
            )
    return CLIENTS[key]


def many_versions(s3, Bucket, Prefix, Count):
    for number in range(Count):
        s3.put_object(Bucket=Bucket, Key=f"{Prefix}{number % 10}", Body=b"x")
    return Count


def holds(s3, Bucket):
    counts = {"objects": 0, "versions": 0, "delete_markers": 0, "uploads": 0}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=Bucket):
        for version in page.get("Versions", []):
            counts["objects" if version["IsLatest"] else "versions"] += 1
        counts["delete_markers"] += len(page.get("DeleteMarkers", []))
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=Bucket):
        counts["uploads"] += len(page.get("Uploads", []))
    return counts


def document(s3, Bucket, Part, Body=None, Headers=None):
    """Reads or writes a sub-resource as it stands, which no client's types get in the way of."""
    headers = dict(Headers or {})
    if Body:
        headers["Content-MD5"] = base64.b64encode(hashlib.md5(Body).digest()).decode()
    url = f"{s3.meta.endpoint_url}/{Bucket}?{Part}"
    signed = AWSRequest(method="PUT" if Body else "GET", url=url, data=Body, headers=headers)
    credentials = s3._request_signer._credentials
    S3SigV4Auth(credentials, "s3", s3.meta.region_name).add_auth(signed)
    answer = urllib3.PoolManager(cert_reqs="CERT_NONE").request(
        signed.method, url, body=Body, headers=dict(signed.headers)
    )
    text = answer.data.decode()
    if answer.status >= 300:
        raise ValueError(f"status {answer.status}: {text}")
    return {"headers": {k.lower(): v for k, v in answer.headers.items()}, "text": text}


# What one call of a client cannot do.
COMPOSED = {"many_versions": many_versions, "holds": holds, "document": document}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if hasattr(value, "read"):
        return value.read().decode()
    if isinstance(value, bytes):
        return value.decode()
    return value


def answer(request):
    args = request["args"]
    try:
        target = client(request["to"], request["client"])
        if isinstance(args.get("Body"), str):
            args["Body"] = args["Body"].encode()
        if request["call"] in COMPOSED:
            return {"ok": COMPOSED[request["call"]](target, **args)}
        result = plain(getattr(target, request["call"])(**args))
        if isinstance(result, str):
            try:
                result = json.loads(result)
            except ValueError:
                pass
        return {"ok": result}
    except botocore.exceptions.ClientError as error:
        return {"error": error.response["Error"]["Code"], "message": str(error)}
    except MinioAdminException as error:
        return {"error": str(error), "message": str(error)}
    except Exception as error:  # The next test asks as well.
        return {"error": type(error).__name__, "message": str(error)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line)), default=str), flush=True)
