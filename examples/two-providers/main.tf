# W&B's own provider and this one in one configuration. Both are called "wandb", so one
# of them takes another local name here, and its resources say which provider they are of.

terraform {
  required_providers {
    wandb = {
      source = "wandb/wandb"
    }
    byob = {
      source = "wandb-byob/wandb"
    }
  }
}

provider "byob" {
  base_url = var.wandb_base_url
  api_key  = var.wandb_api_key

  s3_compatible {
    endpoint   = var.s3_endpoint
    access_key = var.s3_access_key
    secret_key = var.s3_secret_key
  }
}

resource "wandb_byob_bucket" "omega" {
  provider = byob
  name     = "acme-wandb-omega"

  s3_compatible {
    create_access_key = true
  }
}
