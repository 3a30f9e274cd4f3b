terraform {
  required_providers {
    wandb = {
      source  = "wandb-byob/wandb"
      version = "~> 0.1"
    }
  }
}

provider "wandb" {
  base_url = var.wandb_base_url
  api_key  = var.wandb_api_key

  s3_compatible {
    endpoint   = var.s3_endpoint
    access_key = var.s3_access_key
    secret_key = var.s3_secret_key
  }
}

variable "wandb_base_url" {
  description = "The W&B instance, for example https://wandb.example.com."
  type        = string
}

variable "wandb_api_key" {
  description = "A key of an admin of that instance."
  type        = string
  sensitive   = true
}

variable "s3_endpoint" {
  description = "The storage server, for example https://minio.example.com:9000."
  type        = string
}

variable "s3_access_key" {
  description = "A key that may make buckets and users. W&B never sees it."
  type        = string
}

variable "s3_secret_key" {
  description = "The secret of that key."
  type        = string
  sensitive   = true
}
