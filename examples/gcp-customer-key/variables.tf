variable "project" {
  description = "The id of the project that the bucket is made in."
  type        = string
}

variable "wandb_base_url" {
  description = "The address of the W&B instance, for example https://wandb.example.com."
  type        = string
}

variable "kms_key_name" {
  description = "The full name of the key: projects/…/locations/us/keyRings/…/cryptoKeys/…"
  type        = string
}
