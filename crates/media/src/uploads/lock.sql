SELECT upload_id, file_id, owner_id, filename, declared_mime_type, declared_size_bytes, declared_sha256,
       metadata AS "metadata: Json<BTreeMap<String, String>>",
       strategy AS "strategy: Strategy", part_size_bytes, part_count, object_key, s3_upload_id,
       created_at, expires_at, completed_at, aborted_at
FROM uploads
WHERE upload_id = $1 AND owner_id = $2
  AND NOT EXISTS (SELECT FROM media_files AS file
                  WHERE file.upload_id = uploads.upload_id AND file.deleted_at IS NOT NULL)
FOR UPDATE
