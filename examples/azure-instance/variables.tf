variable "subscription_id" {
  description = "The subscription that the storage account is made in."
  type        = string
}

variable "resource_group_name" {
  description = "The resource group that the storage account is made in, which exists already."
  type        = string
}

variable "storage_account_name" {
  description = "The storage account to make: a name that is the whole world's."
  type        = string
}

variable "wandb_base_url" {
  description = "The address that W&B will have in browsers, for example https://wandb.example.com."
  type        = string
}
