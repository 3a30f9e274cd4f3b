variable "subscription_id" {
  description = "The subscription that the storage account is in."
  type        = string
}

variable "resource_group_name" {
  description = "The resource group that the storage account is in."
  type        = string
}

variable "storage_account_name" {
  description = "The storage account, which exists already."
  type        = string
}

variable "wandb_base_url" {
  description = "The address that W&B has in browsers, for example https://wandb.example.com."
  type        = string
}

variable "wandb_principal_id" {
  description = "The object id of the principal that W&B is."
  type        = string
}
