# Below a path, encrypted with a key of the server, and old versions expire

resource "wandb_byob_bucket" "omega" {
  name = "acme-wandb-omega"
  path = "teams/omega" # W&B's key reaches objects below this path only

  noncurrent_version_days = 30 # W&B may not delete versions, so something else has to
  on_destroy              = "delete_everything"
  register                = false
  tags                    = { cost_center = "ml" }

  s3_compatible {
    create_access_key = true
    sse_algorithm     = "aws:kms"
    kms_key_name      = "wandb-key"
  }

  timeouts {
    create = "5m"
    delete = "2h"
  }
}
