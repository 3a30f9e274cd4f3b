# Several teams in one bucket, kept apart by a path

resource "wandb_byob_bucket" "shared" {
  name = "acme-wandb-shared"

  s3_compatible {
    create_access_key = true
  }
}

output "supported_file_store" {
  value     = wandb_byob_bucket.shared.supported_file_store
  sensitive = true
}

resource "wandb_team_storage" "shared" {
  for_each = toset(["omega", "sigma"])

  team    = each.key
  storage = wandb_byob_bucket.shared.storage
  path    = "teams/${each.key}"
}
