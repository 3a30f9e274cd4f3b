# A team that owns its bucket: one resource for both
#
# On a server that W&B reaches by a key, the first apply makes the bucket and says that the
# team waits. Once the instance knows the key, the next apply makes the team.

resource "wandb_team_storage" "omega" {
  team       = "omega"
  members    = ["jane@example.com"]
  on_destroy = "delete"

  byob_bucket {
    name = "acme-wandb-omega"

    s3_compatible {
      create_access_key = true
    }
  }
}

output "supported_file_store" {
  value     = wandb_team_storage.omega.byob_bucket.supported_file_store
  sensitive = true
}
