variable "wandb_base_url" {
  description = "The address of the W&B instance."
  type        = string
}

variable "wandb_api_key" {
  description = "The API key of an admin of the instance."
  type        = string
  sensitive   = true
}

variable "subscription_id" {
  description = "The subscription that the storage account is made in."
  type        = string
}

variable "resource_group_name" {
  description = "The resource group that account and identity are made in, which exists already."
  type        = string
}

variable "storage_account_name" {
  description = "The storage account to make: a name that is the whole world's."
  type        = string
}

variable "oidc_issuer_url" {
  description = "The issuer of the tokens of the instance's cluster."
  type        = string
}
