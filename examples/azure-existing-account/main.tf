# A container in a storage account that is there and has other users. CORS, versioning and
# soft delete belong to the account: they are merged with what is there and never taken
# away. W&B comes as a principal of its own, whose object id W&B's System Console shows.

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
  name  = "wandb"
  scope = "instance"

  azure {
    resource_group_name    = var.resource_group_name
    storage_account_name   = var.storage_account_name
    create_storage_account = false
    access                 = "principal"
    wandb_principal_id     = var.wandb_principal_id
  }
}

output "helm_values" {
  description = "For the chart of W&B: terraform output -raw helm_values > values.yaml"
  value       = yamlencode({ global = { bucket = wandb_byob_bucket.instance.instance_bucket } })
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked: weak settings of the account among it."
  value       = wandb_byob_bucket.instance.findings
}
