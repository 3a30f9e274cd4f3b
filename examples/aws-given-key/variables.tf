variable "wandb_base_url" {
  description = "The address of the W&B instance, for example https://acme.wandb.io."
  type        = string
}

variable "wandb_api_key" {
  description = "A key of an administrator of the instance."
  type        = string
  sensitive   = true
}

variable "kms_key_arn" {
  description = "The key's own ARN, not an alias, in the bucket's region."
  type        = string
}

variable "bucket_account_id" {
  description = "The account that the bucket is made in."
  type        = string
}
