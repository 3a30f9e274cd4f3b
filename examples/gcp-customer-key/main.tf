# A bucket on Google Cloud whose objects are encrypted with a key of yours, and that W&B
# reaches by a key as well: for an instance that runs somewhere else. Cloud Storage's own
# account in the project is let use the key of Cloud KMS, and nothing else of that key is
# changed.

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

resource "wandb_byob_bucket" "omega" {
  name = "acme-wandb-omega"

  gcp {
    location            = "US"
    kms_key_name        = var.kms_key_name # in location "us"
    create_access_key   = true             # a service account with W&B's role on this one bucket
    access_key_rotation = "2026-11"        # another text makes another key
  }
}

output "supported_file_store" {
  description = "The entry for GORILLA_SUPPORTED_FILE_STORES of the W&B instance."
  value       = wandb_byob_bucket.omega.supported_file_store
  sensitive   = true
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.omega.findings
}
