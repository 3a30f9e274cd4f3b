# The bucket of a whole W&B installation that you run yourself, made before W&B is: so
# there is no instance to ask yet, and no api_key. W&B's nodes or pods reach the bucket by
# a role of yours. On a dedicated instance say deployment = "dedicated" instead, and leave
# the role out.

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

  aws {
    region = var.region
  }
}

resource "wandb_byob_bucket" "instance" {
  name                    = "acme-wandb"
  scope                   = "instance"
  cors_allowed_origins    = [var.wandb_base_url]
  noncurrent_version_days = 30 # W&B may not delete versions, so something else has to
  abort_multipart_days    = 7

  aws {
    wandb_principal_arns = [var.wandb_role_arn]
    kms_admin_arns       = [var.security_role_arn] # beside the account itself
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
