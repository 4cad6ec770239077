/*
 * What the store of persistent reservations asks of a host
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_STORE_HOST_H
#define PORTRES_STORE_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "journal.h"
#include "status.h"

/* store.c has the order of things, and calls no system. A host has the files and the registry: portserver by Windows' functions
 * (store_prefix.c), wineserver by its own. */

/* Where Windows keeps the exclusions of the two protocols, below HKEY_LOCAL_MACHINE; see the BigFix forum's thread 23004. */
#define STORE_NSI_KEY    "SYSTEM\\CurrentControlSet\\Control\\Nsi\\"
#define STORE_TCP_KEY    STORE_NSI_KEY "{eb004a03-9b1a-11d4-9123-0050047759bc}\\29"
#define STORE_UDP_KEY    STORE_NSI_KEY "{eb004a02-9b1a-11d4-9123-0050047759bc}\\5"
/* and where the journal's mark is */
#define STORE_STATE_KEY  "Software\\wine-portres"
#define STORE_STATE_NAME "Journal"

/* a line for who looks after the host */
extern void store_log( const char *format, ... ) __attribute__((format (printf, 1, 2)));

/* What the journal is kept in. store_storage_open() comes first, and removes what a crash left behind. */
extern const struct journal_storage store_storage;
extern NTSTATUS store_storage_open(void);
extern void store_storage_close(void);
/* Put a copy of a damaged journal aside, for who wants to look into it, by that name. Returns whether there is one. */
extern const char store_damaged_name[];
extern int store_keep_damaged(void);

/* The mark in the registry; an empty one when there is none yet, or nothing that could be one. */
extern NTSTATUS store_read_mark( char mark[JOURNAL_MARK_LEN + 1] );
extern NTSTATUS store_write_mark( const char mark[JOURNAL_MARK_LEN + 1] );
/* The same in the registry's file, on the disk; an empty one when that is not known. */
extern void store_read_saved_mark( char mark[JOURNAL_MARK_LEN + 1] );

/* Bring a block into the registry or out of it (JOURNAL_ADD, JOURNAL_REMOVE); doing it twice does no harm. */
extern NTSTATUS store_change( int op, int protocol, unsigned int first, unsigned int count );

/* Call back for each value of a protocol's key, in the order of the registry, and before that once with a name of NULL: reading begins, or
 * begins once more. Of a name only its ASCII characters are there, a '?' stands for each other one; name_len may be more than that of
 * name, and data_len more than there is of data (STORE_DATA_LEN bytes). A callback that does not return STATUS_SUCCESS ends
 * it. No key: STATUS_SUCCESS. */
typedef NTSTATUS (*store_value_callback)( void *context, const char *name, size_t name_len, unsigned int type, const void *data,
                                          size_t data_len );
extern NTSTATUS store_enum_values( int protocol, store_value_callback callback, void *context );

#endif /* PORTRES_STORE_HOST_H */
