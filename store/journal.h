/*
 * The journal: changes of the store that the registry file may not hold yet
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_JOURNAL_H
#define PORTRES_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* A journal is a row of records of 32 bytes, each with a checksum, the id of the journal, and a sequence number that rises. Each record
 * says what became of one block; records of different blocks don't depend on each other, so one that is damaged can be left out alone.
 *
 * Who carries the records out keeps a mark together with the outcome, in the registry: the journal's id and the number of the last record
 * that was carried out, as text with a checksum. After a start only records with higher numbers are news. A mark that was damaged, or is
 * another journal's, says nothing, and all records are news: carrying one out again does no harm, to leave one out would. */

#define JOURNAL_RECORD_SIZE 32
#define JOURNAL_MARK_LEN    42  /* without the terminating zero */

enum journal_op
{
    JOURNAL_ADD = 1,
    JOURNAL_REMOVE = 2,
};

struct journal_record
{
    uint64_t     sequence;  /* never 0 */
    int          op;        /* enum journal_op */
    int          protocol;  /* IPPROTO_TCP or IPPROTO_UDP */
    unsigned int first;     /* host order */
    unsigned int count;
};

/* What a journal is kept in. Nothing here calls the system; tests put faults in. */
struct journal_storage
{
    void *context;
    /* The whole content, to be freed by the caller. STATUS_NOT_FOUND: there is none yet. */
    NTSTATUS (*load)( void *context, unsigned char **data, size_t *size );
    /* Write, and return when the bytes are on the disk. On failure any part of them may be there. */
    NTSTATUS (*write)( void *context, uint64_t offset, const void *data, size_t size );
    NTSTATUS (*truncate)( void *context, uint64_t size );
    /* Replace the whole content, all or nothing, and return when that is on the disk. */
    NTSTATUS (*replace)( void *context, const void *data, size_t size );
};

/* what journal_open() found wrong */
struct journal_damage
{
    NTSTATUS status;       /* not STATUS_SUCCESS: the storage could not be read */
    size_t   records;      /* records left out because they are damaged */
    size_t   tail;         /* bytes of a record that was being written when the server ended */
};

struct journal;

/* Read a journal. Fails only when there is no memory (NULL): what can't be read is left out and reported. When the storage gave nothing
 * (damage->status), the journal is empty and every change to it fails with that status. fresh_id, a number that no journal has had,
 * becomes the id of one that has no records. */
extern struct journal *journal_open( const struct journal_storage *storage, uint64_t fresh_id, struct journal_damage *damage );
extern void journal_close( struct journal *journal );

/* the records, by rising sequence number */
extern size_t journal_count( const struct journal *journal );
extern const struct journal_record *journal_get( const struct journal *journal, size_t index );

/* The mark to be kept once all records are carried out. Also to be kept after a failure of journal_append() or journal_undo(): should
 * all attempts to take the record back have failed, it says that the record is not to be carried out. Returns 0 when the journal
 * can't be read: the mark of before is to stay. */
extern int journal_mark( const struct journal *journal, char mark[JOURNAL_MARK_LEN + 1] );
/* Index of the first record that is news to one who has this mark; journal_count() when none is. mark is NULL when there is none.
 * To be called before the first change: the numbers go on from the mark's. */
extern size_t journal_news( struct journal *journal, const char *mark );

/* Add a record. On STATUS_SUCCESS it is on the disk. On failure the journal is as before. */
extern NTSTATUS journal_append( struct journal *journal, int op, int protocol, unsigned int first, unsigned int count );
/* Take back the record added last, because it could not be carried out. */
extern NTSTATUS journal_undo( struct journal *journal );
/* Try again to take back what could not be; to be called now and then. */
extern NTSTATUS journal_mend( struct journal *journal );

/* Make the journal shorter: records that are no news to one with the mark are known to be carried out for good, and of several records
 * of one block only the last one matters. On failure the journal is as before. */
extern NTSTATUS journal_compact( struct journal *journal, const char *mark );

#endif /* PORTRES_JOURNAL_H */
