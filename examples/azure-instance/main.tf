# The bucket of a whole W&B installation that you run yourself on Azure, made before W&B is:
# so there is no instance to ask yet, and no api_key. W&B reaches the container by a key of
# the storage account, which the chart gets as a secret. Credentials for Azure come from the
# environment (ARM_...), or from az login.

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
  deployment = "self_managed"

  azure {
    subscription_id = var.subscription_id
  }
}

resource "wandb_byob_bucket" "instance" {
  name                    = "wandb"
  scope                   = "instance" # so W&B comes by the account's key
  cors_allowed_origins    = [var.wandb_base_url]
  noncurrent_version_days = 30

  azure {
    resource_group_name  = var.resource_group_name
    storage_account_name = var.storage_account_name
  }
}

output "helm_values" {
  description = "For the chart of W&B: terraform output -raw helm_values > values.yaml"
  value       = yamlencode({ global = { bucket = wandb_byob_bucket.instance.instance_bucket } })
}

output "storage_key" {
  description = "The account's key: for the secret that global.bucket.secret of the chart names."
  value       = wandb_byob_bucket.instance.secret_access_key
  sensitive   = true
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.instance.findings
}
