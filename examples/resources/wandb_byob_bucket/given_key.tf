# A key that W&B has already, kept out of plan and state

resource "wandb_byob_bucket" "omega" {
  name = "acme-wandb-omega"

  s3_compatible {
    wandb_access_key            = var.wandb_access_key
    wandb_secret_key_wo         = var.wandb_secret_key
    wandb_secret_key_wo_version = 1 # raise it whenever the secret changes
  }
}

variable "wandb_access_key" {
  description = "The key that W&B reaches the bucket by."
  type        = string
}

variable "wandb_secret_key" {
  description = "Its secret. The bucket is proven with it, and nothing keeps it."
  type        = string
  sensitive   = true
  ephemeral   = true
}
