resource "wandb_byob_bucket" "omega" {
  name = "acme-wandb-omega"

  s3_compatible {
    create_access_key = true
  }
}

# W&B binds a team to its bucket for good, so the instance has to reach the bucket first:
# this goes into GORILLA_SUPPORTED_FILE_STORES before the team is made.
output "supported_file_store" {
  value     = wandb_byob_bucket.omega.supported_file_store
  sensitive = true
}

resource "wandb_team_storage" "omega" {
  team    = "omega"
  members = ["jane@example.com"]
  storage = wandb_byob_bucket.omega.storage
}
