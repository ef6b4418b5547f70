-- What is made of documents.
ALTER TYPE variant_kind ADD VALUE 'page'; -- a page
