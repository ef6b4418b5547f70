SELECT file.file_id, file.owner_id, file.upload_id, upload.filename, upload.declared_mime_type,
       upload.declared_size_bytes, upload.metadata AS "metadata: Json<BTreeMap<String, String>>",
       file.mime_type, file.size_bytes, file.status AS "status: FileStatus",
       file.storage_path, file.checksum_sha256,
       (SELECT main.storage_path FROM media_variants AS main
        WHERE main.file_id = file.file_id AND main.kind IN ('full', 'playlist', 'page')
        ORDER BY main.page NULLS FIRST, main.width DESC, main.format LIMIT 1) AS "main_key?",
       file.placeholder_thumbhash, file.placeholder_color,
       file.rejection_code AS "rejection_code: RejectionCode",
       file.rejection_message, file.rejection_limit, file.rejection_measured, file.rejection_step,
       file.warnings,
       file.stopped AS "stopped: Stopped", file.deleted_at IS NOT NULL AS "deleted!",
       file.created_at, file.updated_at
FROM media_files AS file
JOIN uploads AS upload USING (upload_id)
WHERE file.owner_id = $1 AND file.deleted_at IS NULL
  AND ($2::file_status IS NULL OR file.status = $2)
  AND ($3::timestamptz IS NULL OR (file.created_at, file.file_id) < ($3, $4::uuid))
  AND ($6::text IS NULL
       OR $6 = CASE file.status WHEN 'READY' THEN 'ready' WHEN 'REJECTED' THEN 'rejected'
               ELSE coalesce(file.stopped, 'none') END)
ORDER BY file.created_at DESC, file.file_id DESC
LIMIT $5
