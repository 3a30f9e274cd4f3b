"""Looks at the servers of the example by clients that share nothing with the provider:
boto3, MinIO's own admin client, and plain HTTP for the simulated W&B instance.

usage: look.py VARIABLES.json WHAT [ARGUMENT]
"""

import json
import pathlib
import sys
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
from minio.credentials import StaticProvider
from minio.minioadmin import MinioAdmin

BUCKET = "acme-wandb-omega"

variables = pathlib.Path(sys.argv[1])
settings = json.loads(variables.read_text())


def s3(access_key, secret_key):
    return boto3.client(
        "s3",
        endpoint_url=settings["minio_endpoint"],
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=botocore.config.Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 1}, proxies={}
        ),
    )


root = s3(settings["minio_access_key"], settings["minio_secret_key"])
admin = MinioAdmin(
    endpoint=settings["minio_endpoint"].split("://")[1],
    credentials=StaticProvider(settings["minio_access_key"], settings["minio_secret_key"]),
    secure=False,
)


def outputs():
    state = json.loads((variables.parent / "terraform.tfstate").read_text())
    return {name: one["value"] for name, one in state["outputs"].items()}


def wandb_key():
    made = outputs()
    return s3(made["access_key_id"], made["secret_access_key"])


def simulator(path, body=None):
    """The switches of the simulated instance; they ask for no key."""
    request = urllib.request.Request(
        settings["wandb_base_url"] + "/_simulator/" + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return json.loads(answer.read() or "null")


def line(what, value):
    print(f"  {what:<24} {value}")


def refusal(call, **arguments):
    """The server's code when it refuses; fails the example when it does not."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    sys.exit(f"look.py: {call.__name__} was let through, and must not be")


def ready():
    root.list_buckets()


def add_person(email):
    simulator("users", {"id": "u-jane", "user_name": email.split("@")[0], "email": email})


def add_store():
    simulator("stores", {"entry": sys.stdin.read().strip()})
    print("The simulated instance has it now. It lists, without secrets:")
    for entry in simulator("stores"):
        print("    " + entry)


def bucket():
    print(f"The bucket {BUCKET}, by boto3 with the administrator's key:")
    line("versioning", root.get_bucket_versioning(Bucket=BUCKET)["Status"])
    encryption = root.get_bucket_encryption(Bucket=BUCKET)
    rule = encryption["ServerSideEncryptionConfiguration"]["Rules"][0]
    default = rule["ApplyServerSideEncryptionByDefault"]
    line("encryption", f"{default['SSEAlgorithm']} {default['KMSMasterKeyID']}")
    for rule in root.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]:
        days = rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        line("lifecycle", f"{rule['ID']}: old versions go after {days} days")
    for tag in root.get_bucket_tagging(Bucket=BUCKET)["TagSet"]:
        line("tag", f"{tag['Key']} = {tag['Value']}")
    objects = root.list_objects_v2(Bucket=BUCKET).get("KeyCount", 0)
    line("objects", f"{objects} (the probe has removed its own)")


def user_name():
    generation = next(
        tag["Value"].split("-")[1]
        for tag in root.get_bucket_tagging(Bucket=BUCKET)["TagSet"]
        if tag["Key"] == "terraform-provider-wandb"
    )
    return f"wandb-byob-{generation}-{BUCKET}"


def rights():
    name = user_name()
    print(f"\nW&B's user {name}, by MinIO's admin client:")
    user = json.loads(admin.user_info(name))
    line("status, policy", f"{user['status']}, {user['policyName']}")
    policy = json.loads(admin.policy_info(name))
    for statement in policy.get("Policy", policy)["Statement"]:
        line(statement["Effect"].lower(), " ".join(sorted(statement["Action"])))
        line("  on", " ".join(statement["Resource"]))
    print("\nThe same key, tried by boto3:")
    wandb = wandb_key()
    key = "teams/omega/run-1/config.yaml"
    wandb.put_object(Bucket=BUCKET, Key=key, Body=b"lr: 0.1\n")
    line(f"put {key}", "let through")
    line("put the bucket's policy", refusal(wandb.put_bucket_policy, Bucket=BUCKET, Policy="{}"))
    line("delete the bucket", refusal(wandb.delete_bucket, Bucket=BUCKET))
    line("list another bucket", refusal(wandb.list_objects_v2, Bucket="another-bucket"))


def team():
    print("\nThe team, as the simulated W&B instance has it:")
    for one in simulator("teams"):
        line("team", f"{one['name']}, members {', '.join(one['members'])}")
        for name, value in sorted(one["storage"].items()):
            line(f"storage {name}", value)
    if not any(one["id"] == outputs()["team_id"] for one in simulator("teams")):
        sys.exit("look.py: the team of the state is not there")


def gone():
    print("\nAsked again without the provider:")
    line("bucket", refusal(root.head_bucket, Bucket=BUCKET))
    users = [name for name in json.loads(admin.user_list()) if name.startswith("wandb-byob-")]
    policies = [name for name in json.loads(admin.policy_list()) if name.startswith("wandb-byob-")]
    line("users, policies of ours", f"{len(users)}, {len(policies)}")
    line("teams", len(simulator("teams")))
    if users or policies or simulator("teams"):
        sys.exit("look.py: something was left behind")


COMMANDS = {
    "ready": ready,
    "add-person": add_person,
    "add-store": add_store,
    "bucket": bucket,
    "rights": rights,
    "team": team,
    "gone": gone,
}
COMMANDS[sys.argv[2]](*sys.argv[3:])
