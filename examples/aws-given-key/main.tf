# A bucket that is encrypted with a key of somebody else, for example of a security team's
# own account. The provider looks at such a key and never changes it: whoever owns the key
# adds the statements of the output key_policy_statements to its policy.
#
# KMS shows the policy of a key to its own account only. For a key of another account the
# finding kms.wandb_use is "unknown", and that the bucket works is proven by the probe.

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

  aws {
    region              = "us-east-1"
    allowed_account_ids = [var.bucket_account_id]
  }
}

resource "wandb_byob_bucket" "omega" {
  name = "acme-wandb-omega"

  aws {
    kms_key_arn = var.kms_key_arn
  }
}

output "key_policy_statements" {
  description = "What the key's policy has to hold, besides what is there."
  value = jsonencode([
    {
      Sid       = "WandbUse"
      Effect    = "Allow"
      Principal = { AWS = wandb_byob_bucket.omega.aws.wandb_principal_arns }
      Action    = ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
      Resource  = "*"
    },
    {
      # Whoever applies this writes a small object to prove that the bucket works.
      Sid       = "BucketOwnerUse"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${var.bucket_account_id}:root" }
      Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*", "kms:ListResourceTags"]
      Resource  = "*"
    },
  ])
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.omega.findings
}
