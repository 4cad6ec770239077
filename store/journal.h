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

#ifndef PORTRES_STORE_JOURNAL_H
#define PORTRES_STORE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* A journal is a row of records of 32 bytes, each with a checksum and a sequence number that rises. Each record says what became of
 * one block; records of different blocks don't depend on each other, so one that is damaged can be left out alone.
 *
 * Who reads it keeps the number of the last record that it has carried out together with the outcome. After a start only records
 * with higher numbers are news. */

#define JOURNAL_RECORD_SIZE 32

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
 * (damage->status), the journal is empty and every change to it fails with that status. */
extern struct journal *journal_open( const struct journal_storage *storage, struct journal_damage *damage );
extern void journal_close( struct journal *journal );

/* the records, by rising sequence number */
extern size_t journal_count( const struct journal *journal );
extern const struct journal_record *journal_get( const struct journal *journal, size_t index );

/* Numbers up to this one are taken: the next record gets a higher one. */
extern void journal_advance( struct journal *journal, uint64_t sequence );

/* Add a record. On STATUS_SUCCESS it is on the disk, and its number is in *sequence; on failure the journal is as before. */
extern NTSTATUS journal_append( struct journal *journal, int op, int protocol, unsigned int first, unsigned int count,
                                uint64_t *sequence );
/* Take back the record added last, because it could not be carried out. */
extern NTSTATUS journal_undo( struct journal *journal );

/* Make the journal shorter: records up to the number saved are known to be carried out for good, and of several records of one
 * block only the last one matters. On failure the journal is as before. */
extern NTSTATUS journal_compact( struct journal *journal, uint64_t saved );

#endif /* PORTRES_STORE_JOURNAL_H */
