variable "wandb_base_url" {
  description = "The address of the W&B instance."
  type        = string
}

variable "wandb_api_key" {
  description = "A key of an administrator of the instance."
  type        = string
  sensitive   = true
}

variable "minio_endpoint" {
  description = "Scheme, host and port of the MinIO server."
  type        = string
}

variable "minio_access_key" {
  description = "A key that may make buckets and users. W&B never sees it."
  type        = string
}

variable "minio_secret_key" {
  description = "The secret of that key."
  type        = string
  sensitive   = true
}

variable "instance_knows_the_key" {
  description = "The output supported_file_store stands in GORILLA_SUPPORTED_FILE_STORES of the instance, which was restarted."
  type        = bool
  default     = false
}

variable "on_destroy" {
  description = "What a destroy does with the bucket."
  type        = string
  default     = "delete_if_empty"
}
