# A bucket on Google Cloud, and a W&B team whose files live in it, for a dedicated W&B
# instance. Credentials for Google Cloud come from the environment or from gcloud, as for
# Google's own tools. W&B reaches the bucket by its own service account: there is no key to
# keep.

terraform {
  required_version = ">= 1.5"
  required_providers {
    wandb = {
      source = "wandb-byob/wandb"
    }
  }
}

provider "wandb" {
  base_url   = var.wandb_base_url
  api_key    = var.wandb_api_key
  deployment = "dedicated" # who W&B is on Google Cloud follows from it

  gcp {
    project = var.project
  }
}

resource "wandb_byob_bucket" "omega" {
  name                    = "acme-wandb-omega"
  soft_delete_days        = 14   # how long deleted objects can be brought back
  noncurrent_version_days = 30   # old versions pile up unless something deletes them
  abort_multipart_days    = 7    # so do unfinished uploads
  register                = true # the instance has to reach the bucket, or the apply fails
  tags                    = { cost_center = "ml" }

  gcp {
    location = "EU"
  }
}

# W&B binds a team to its bucket for good. A destroy deletes this team, and then stops at the
# bucket while that holds anything, old versions too: apply on_destroy = "delete_everything" to
# the bucket before, if its data is to go.
resource "wandb_team_storage" "omega" {
  team       = "omega"
  members    = ["jane@example.com"]
  storage    = wandb_byob_bucket.omega.storage
  path       = "teams/omega" # other teams can share the bucket under other paths
  on_destroy = "delete"      # the default, "keep", leaves the team in W&B
}

output "bucket" {
  description = "The bucket's address."
  value       = wandb_byob_bucket.omega.storage_address
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.omega.findings
}
