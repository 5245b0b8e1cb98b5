//! Forgetting: one customer who asked for it, or words whose time is over. The log stays true: it never held them.

use gradus_engine::time::Timestamp;

use super::Store;
use super::documents;
use super::engine::{Db, Tx, within};
use super::error::StoreError;
use super::ids::{ConversationId, CustomerId};

/// What has to be removed outside the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// How many conversations lost their words.
    pub conversations: usize,
    /// The recordings and documents to delete from the object storage.
    pub recordings: Vec<String>,
}

impl Store {
    /// Removes the words, names and addresses of a customer everywhere but in the log, which holds none.
    ///
    /// On SQLite the freed pages are overwritten and the write-ahead log is emptied; on PostgreSQL the old rows go with
    /// the next VACUUM. Calling it again is harmless and returns what was added meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such customer.
    pub async fn erase_customer(&self, id: &CustomerId, now: Timestamp) -> Result<Erased, StoreError> {
        let mut tx = self.write.begin().await?;
        let sql =
            "UPDATE customers SET name = NULL, revenue_rank = NULL, growth_rank = NULL, revenue_12m = NULL,
                       contract_status = NULL, contract_until = NULL, personal_terms = NULL, manager = NULL,
                       mark = NULL, search = '', erased_at_ms = COALESCE(erased_at_ms, $2) WHERE id = $1";
        let changed = within!(&mut tx, |conn| {
            sqlx::query(sql).bind(id).bind(now.millis()).execute(conn).await?.rows_affected()
        });
        super::conversations::found(changed, "customer", id)?;
        for sql in [
            "DELETE FROM customer_contacts WHERE customer_id = $1",
            "DELETE FROM customer_notes WHERE customer_id = $1",
            // A card that was joined into this one is the same person; what was moved names addresses.
            "UPDATE customers SET name = NULL, personal_terms = NULL, manager = NULL, mark = NULL, search = ''
             WHERE id IN (SELECT from_id FROM customer_joins WHERE into_id = $1)",
            "DELETE FROM customer_joins WHERE from_id = $1 OR into_id = $1",
            "UPDATE case_ratings SET words = NULL WHERE case_id IN (SELECT id FROM cases WHERE customer_id = $1)",
            "DELETE FROM purchases WHERE customer_id = $1",
            "UPDATE case_timeline SET text = NULL, detail = '{}'
             WHERE case_id IN (SELECT id FROM cases WHERE customer_id = $1)",
            "UPDATE authority_uses SET reason = NULL, answer = NULL WHERE customer_id = $1",
            "UPDATE tasks SET what = '', result = NULL WHERE case_id IN (SELECT id FROM cases WHERE customer_id = $1)
                OR conversation_id IN (SELECT id FROM conversations WHERE customer_id = $1)",
            "UPDATE quality_cards SET comment = NULL, appeal = NULL, settled_words = NULL
             WHERE conversation_id IN (SELECT id FROM conversations WHERE customer_id = $1)",
            "UPDATE review_items SET note = NULL, decision = NULL
             WHERE conversation_id IN (SELECT id FROM conversations WHERE customer_id = $1)",
            "UPDATE cases SET subject = NULL, decision = NULL, conclusion = NULL WHERE customer_id = $1",
        ] {
            within!(&mut tx, |conn| {
                sqlx::query(sql).bind(id).execute(conn).await?;
            });
        }
        let ids: Vec<ConversationId> = within!(&mut tx, |conn| {
            sqlx::query_scalar("SELECT id FROM conversations WHERE customer_id = $1")
                .bind(id)
                .fetch_all(conn)
                .await?
        });
        let erased = forget_words(&mut tx, &ids).await?;
        tx.commit().await?;
        self.empty_wal().await?;
        Ok(erased)
    }

    /// Counts the conversations that ended before a moment and still have words or a recording.
    pub async fn words_due_before(&self, before: Timestamp) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM conversations v WHERE v.status = 'ended' AND v.ended_at_ms < $1
                     AND (v.recording_key IS NOT NULL OR EXISTS (SELECT 1 FROM utterance_texts t
                         WHERE t.conversation_id = v.id AND t.text IS NOT NULL))";
        Ok(super::engine::on!(self.read, |pool| {
            sqlx::query_scalar(sql).bind(before.millis()).fetch_one(pool).await?
        }))
    }

    /// Returns the recordings of the conversations whose words [`Store::forget_words_before`] removes next.
    pub async fn recordings_due_before(
        &self,
        before: Timestamp,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let sql = "WITH due AS (SELECT v.id, v.recording_key FROM conversations v
                     WHERE v.status = 'ended' AND v.ended_at_ms < $1
                       AND (v.recording_key IS NOT NULL OR EXISTS (SELECT 1 FROM utterance_texts t
                           WHERE t.conversation_id = v.id AND t.text IS NOT NULL))
                     ORDER BY v.ended_at_ms, v.id LIMIT $2)
                   SELECT recording_key FROM due WHERE recording_key IS NOT NULL
                   UNION SELECT d.object_key FROM case_documents d JOIN cases c ON c.id = d.case_id
                   JOIN due ON due.id = c.conversation_id";
        Ok(super::engine::on!(self.read, |pool| {
            sqlx::query_scalar(sql).bind(before.millis()).bind(limit).fetch_all(pool).await?
        }))
    }

    /// Removes the words of up to `limit` conversations that ended before a moment, oldest first: the retention.
    pub async fn forget_words_before(&self, before: Timestamp, limit: i64) -> Result<Erased, StoreError> {
        let mut tx = self.write.begin().await?;
        let sql = "SELECT v.id FROM conversations v WHERE v.status = 'ended' AND v.ended_at_ms < $1
                     AND (v.recording_key IS NOT NULL OR EXISTS (SELECT 1 FROM utterance_texts t
                         WHERE t.conversation_id = v.id AND t.text IS NOT NULL))
                   ORDER BY v.ended_at_ms, v.id LIMIT $2";
        let ids: Vec<ConversationId> = within!(&mut tx, |conn| {
            sqlx::query_scalar(sql).bind(before.millis()).bind(limit).fetch_all(conn).await?
        });
        let erased = forget_words(&mut tx, &ids).await?;
        tx.commit().await?;
        Ok(erased)
    }

    /// Forgets the keys of batches committed before a moment; a repeat that late is taken for new.
    pub async fn forget_batch_keys(&self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM batch_keys WHERE recorded_ms < $1";
        Ok(super::engine::on!(self.write, |pool| {
            sqlx::query(sql).bind(before.millis()).execute(pool).await?.rows_affected()
        }))
    }

    /// Moves everything from SQLite's write-ahead log into the file and empties the log.
    async fn empty_wal(&self) -> Result<(), StoreError> {
        if let Db::Sqlite(pool) = &self.write {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(pool).await?;
        }
        Ok(())
    }
}

async fn forget_words(tx: &mut Tx, ids: &[ConversationId]) -> Result<Erased, StoreError> {
    let mut recordings = Vec::new();
    for id in ids {
        let key: Option<String> = within!(tx, |conn| {
            sqlx::query_scalar("SELECT recording_key FROM conversations WHERE id = $1")
                .bind(id)
                .fetch_one(conn)
                .await?
        });
        recordings.extend(key);
        recordings.extend(documents::forget(tx, id).await?);
        super::archive::take_out(tx, id, None).await?;
        super::corrections::forget(tx, id, None).await?;
        for sql in [
            "UPDATE utterance_texts SET text = NULL, lemmas = NULL, words = NULL, indexing = 2
             WHERE conversation_id = $1",
            "UPDATE parties SET name = NULL, tel = NULL, email = NULL WHERE conversation_id = $1 AND role = 'customer'",
            "UPDATE conversations SET subject = NULL, source = NULL, file_name = NULL, source_id = NULL, note = NULL,
                 recording_key = NULL WHERE id = $1",
            "UPDATE imports SET source = '' WHERE conversation_id = $1",
            // Its row stays, so that the file is not taken again from where it lies.
            "UPDATE recording_queue SET place = '', about = '' WHERE conversation_id = $1",
        ] {
            within!(tx, |conn| {
                sqlx::query(sql).bind(id).execute(conn).await?;
            });
        }
    }
    Ok(Erased { conversations: ids.len(), recordings })
}
