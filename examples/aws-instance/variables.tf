variable "region" {
  description = "The region of bucket and key: the one that W&B runs in."
  type        = string
  default     = "eu-west-1"
}

variable "wandb_base_url" {
  description = "The address that W&B will have in browsers, for example https://wandb.example.com."
  type        = string
}

variable "wandb_role_arn" {
  description = "The role of W&B's nodes or pods, which exists already."
  type        = string
}

variable "security_role_arn" {
  description = "A role that may administer the key, which exists already."
  type        = string
}
