# A container on Azure, and a W&B team whose files live in it, for a dedicated W&B instance.
# W&B becomes a managed identity that is made for it, because Azure trusts the tokens of the
# instance's cluster: there is no key to keep.

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
  deployment = "dedicated"

  azure {
    subscription_id = var.subscription_id
  }
}

resource "wandb_byob_bucket" "omega" {
  name                    = "omega"
  soft_delete_days        = 14 # how long deleted blobs, and the container, can be brought back
  noncurrent_version_days = 30 # old versions pile up unless something deletes them
  tags                    = { cost_center = "ml" }

  azure {
    resource_group_name  = var.resource_group_name
    storage_account_name = var.storage_account_name
    oidc_issuer_url      = var.oidc_issuer_url # byte for byte: W&B tells it
  }
}

# W&B binds a team to its bucket for good. A destroy deletes this team, and then stops at the
# bucket while that holds anything, old versions too: apply on_destroy = "delete_everything" to
# the bucket before, if its data is to go.
resource "wandb_team_storage" "omega" {
  team       = "omega"
  members    = ["jane@example.com"]
  storage    = wandb_byob_bucket.omega.storage
  path       = "teams/omega" # below the container; other teams can have other paths
  on_destroy = "delete"      # the default, "keep", leaves the team in W&B
}

output "bucket" {
  description = "The container's address."
  value       = wandb_byob_bucket.omega.storage_address
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.omega.findings
}
