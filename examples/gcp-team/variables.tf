variable "project" {
  description = "The id of the project that the bucket is made in."
  type        = string
}

variable "wandb_base_url" {
  description = "The address of the W&B instance, for example https://acme.wandb.io."
  type        = string
}

variable "wandb_api_key" {
  description = "A key of an administrator of the instance."
  type        = string
  sensitive   = true
}
