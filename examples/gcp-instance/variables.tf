variable "project" {
  description = "The id of the project that the bucket is made in."
  type        = string
}

variable "location" {
  description = "The location of the bucket: the one that W&B runs in."
  type        = string
  default     = "europe-west4"
}

variable "wandb_base_url" {
  description = "The address that W&B will have in browsers, for example https://wandb.example.com."
  type        = string
}

variable "wandb_service_account" {
  description = "The service account of W&B's pods, which exists already."
  type        = string
}
