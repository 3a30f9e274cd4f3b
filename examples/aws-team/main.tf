# A bucket on AWS, with a KMS key of its own, and a W&B team whose files live in it, for a
# dedicated W&B instance. Credentials for AWS come from the environment or a profile, as
# for AWS's own tools. W&B reaches the bucket by its own identity: there is no key to keep.

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
  deployment = "dedicated" # who W&B is on AWS follows from it

  aws {
    region = "us-east-1"
  }
}

resource "wandb_byob_bucket" "omega" {
  name                    = "acme-wandb-omega"
  noncurrent_version_days = 30   # W&B may not delete versions, so something else has to
  abort_multipart_days    = 7    # nor unfinished uploads
  register                = true # the instance has to reach the bucket, or the apply fails
  tags                    = { cost_center = "ml" }

  aws {
    kms_deletion_window_days = 7 # how long a destroyed bucket's key can be taken back
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
  description = "The bucket's ARN."
  value       = wandb_byob_bucket.omega.arn
}

output "kms_key" {
  description = "The ARN of the key that was made for the bucket."
  value       = wandb_byob_bucket.omega.aws.kms_key_arn
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.omega.findings
}
