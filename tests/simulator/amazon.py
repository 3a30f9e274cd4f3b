"""Starts moto with its answers put right where they are not Amazon's and a client notices.

moto names the root of some S3 answers after the operation, which strict clients refuse,
and forgets the tags that come with CreateBucket.
"""

import sys

import xmltodict
from flask import request
from moto import server
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

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

serialized = S3Response.serialized
create_bucket = S3Backend.create_bucket


def with_amazons_root(self, *args, **kwargs):
    status, headers, body = serialized(self, *args, **kwargs)
    action = self.data.get("Action")
    if action in ROOTS and isinstance(body, str):
        body = body.replace(f"<{action}Response", f"<{ROOTS[action]}")
        body = body.replace(f"</{action}Response>", f"</{ROOTS[action]}>")
    return status, headers, body


def with_tags(self, bucket_name, *args, **kwargs):
    bucket = create_bucket(self, bucket_name, *args, **kwargs)
    body = request.get_data(cache=True, as_text=True)
    wanted = xmltodict.parse(body)["CreateBucketConfiguration"] if body else {}
    tags = (wanted.get("Tags") or {}).get("Tag") or []
    tags = tags if isinstance(tags, list) else [tags]
    if tags:
        pairs = {tag["Key"]: tag["Value"] or "" for tag in tags}
        self.put_bucket_tagging(bucket_name, pairs)
    return bucket


S3Response.serialized = with_amazons_root
S3Backend.create_bucket = with_tags
server.main(sys.argv[1:])
