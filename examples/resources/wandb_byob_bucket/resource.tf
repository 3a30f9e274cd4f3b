resource "wandb_byob_bucket" "omega" {
  name = "acme-wandb-omega"

  s3_compatible {
    create_access_key = true # a user with just W&B's rights on this bucket, and its key
  }
}

output "findings" {
  description = "What does not hold, what may hurt, and what could not be checked."
  value       = wandb_byob_bucket.omega.findings
}

output "supported_file_store" {
  description = "The entry for GORILLA_SUPPORTED_FILE_STORES of the W&B instance."
  value       = wandb_byob_bucket.omega.supported_file_store
  sensitive   = true
}
