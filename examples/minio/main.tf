# A bucket on MinIO that is proven to work with W&B, and a W&B team whose files live in
# it. `run.sh` beside this file runs it against real MinIO and a simulated W&B instance;
# with your own addresses in the variables it is a first configuration of your own.

terraform {
  required_version = ">= 1.5"
  required_providers {
    wandb = {
      source = "wandb-byob/wandb"
    }
  }
}

provider "wandb" {
  base_url = var.wandb_base_url
  api_key  = var.wandb_api_key

  s3_compatible {
    endpoint   = var.minio_endpoint
    region     = "us-east-1"
    access_key = var.minio_access_key
    secret_key = var.minio_secret_key
  }
}

resource "wandb_byob_bucket" "omega" {
  name                    = "acme-wandb-omega"
  noncurrent_version_days = 30 # W&B may not delete versions, so something else has to
  on_destroy              = var.on_destroy
  register                = var.instance_knows_the_key ? true : null
  tags                    = { cost_center = "ml" }

  s3_compatible {
    create_access_key = true # a user with W&B's rights on this bucket, and its key
    sse_algorithm     = "aws:kms"
    kms_key_name      = "wandb-key" # a key of MinIO's own key service
  }
}

# W&B binds a team to its bucket for good, so the instance has to reach the bucket first.
resource "wandb_team_storage" "omega" {
  count = var.instance_knows_the_key ? 1 : 0

  team       = "omega"
  members    = ["jane@example.com"]
  storage    = wandb_byob_bucket.omega.storage
  path       = "teams/omega" # other teams can share the bucket under other paths
  on_destroy = "delete"      # the default, "keep", leaves the team in W&B
}

output "bucket" {
  description = "What the bucket is called, here and in an import block."
  value       = wandb_byob_bucket.omega.id
}

output "verified" {
  description = "The bucket was looked at, and everything that W&B needs holds."
  value       = wandb_byob_bucket.omega.verified
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.omega.findings
}

output "storage" {
  description = "What the team was told about the bucket. No secret."
  value       = wandb_byob_bucket.omega.storage
}

output "supported_file_store" {
  description = "The entry for GORILLA_SUPPORTED_FILE_STORES, with W&B's key."
  value       = wandb_byob_bucket.omega.supported_file_store
  sensitive   = true
}

output "access_key_id" {
  description = "The id of W&B's key."
  value       = wandb_byob_bucket.omega.access_key_id
}

output "secret_access_key" {
  description = "The secret of W&B's key."
  value       = wandb_byob_bucket.omega.secret_access_key
  sensitive   = true
}

output "team_id" {
  description = "The id of the team, once it is made."
  value       = one(wandb_team_storage.omega[*].id)
}
