# The bucket of a whole W&B installation that you run yourself on Google Cloud, made before
# W&B is: so there is no instance to ask yet, and no api_key. W&B's pods reach the bucket by
# a service account of yours. On a dedicated instance say deployment = "dedicated" instead,
# and leave the service account out.

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

  gcp {
    project = var.project
  }
}

resource "wandb_byob_bucket" "instance" {
  name                    = "acme-wandb"
  scope                   = "instance"
  cors_allowed_origins    = [var.wandb_base_url]
  noncurrent_version_days = 30
  abort_multipart_days    = 7

  gcp {
    location              = var.location
    wandb_service_account = var.wandb_service_account
  }
}

output "helm_values" {
  description = "For the chart of W&B: terraform output -raw helm_values > values.yaml"
  value       = yamlencode({ global = { bucket = wandb_byob_bucket.instance.instance_bucket } })
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.instance.findings
}
