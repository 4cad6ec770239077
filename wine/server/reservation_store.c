/*
 * Port reservations: where persistent ones are kept
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ntstatus.h"
#define WIN32_NO_STATUS
#include "windef.h"
#include "winternl.h"

#include "file.h"
#include "request.h"
#include "reservation.h"
#include "unicode.h"

#include "ports/store.h"
#include "ports/store_host.h"
#include "ports/store_value.h"

/* The registry is in the memory of this process, and in files every now and then. So what must not be lost stands in a journal first, see
 * ports/store.c: a record of 32 bytes, which takes the disk less than writing the whole registry. */

#define JOURNAL_NAME     "ports.journal"
#define NEW_JOURNAL_NAME "ports.journal.new"
#define BAD_JOURNAL_NAME "ports.journal.damaged"

const char store_damaged_name[] = BAD_JOURNAL_NAME;

#define MAX_JOURNAL 0x4000000  /* no journal of ours is that large */

/* The file grows by so many bytes, zero ones behind the last record: to write over bytes that are there takes the disk much less than to
 * make a file longer. */
#define JOURNAL_CHUNK 4096

static int journal_fd = -1;
static int journal_failed;
static char saved_mark[JOURNAL_MARK_LEN + 1];  /* of the registry file at the start */

void store_log( const char *format, ... )
{
    va_list args;

    fprintf( stderr, "wineserver: ports: " );
    va_start( args, format );
    vfprintf( stderr, format, args );
    va_end( args );
    fputc( '\n', stderr );
}

static NTSTATUS errno_status(void)
{
    switch (errno)
    {
    case ENOENT: return STATUS_NOT_FOUND;
    case EROFS:
    case EPERM:
    case EACCES: return STATUS_ACCESS_DENIED;
    case EDQUOT:
    case EFBIG:
    case ENOSPC: return STATUS_DISK_FULL;
    case EMFILE:
    case ENFILE: return STATUS_INSUFFICIENT_RESOURCES;
    case ENOMEM: return STATUS_NO_MEMORY;
    default:     return STATUS_UNSUCCESSFUL;
    }
}

/* ---- files ---- */

static NTSTATUS write_all( int fd, off_t offset, const char *data, size_t size )
{
    ssize_t ret;

    while (size)
    {
        if ((ret = pwrite( fd, data, size, offset )) < 0)
        {
            if (errno == EINTR) continue;
            return errno_status();
        }
        data += ret;
        offset += ret;
        size -= ret;
    }
    return fdatasync( fd ) ? errno_status() : STATUS_SUCCESS;
}

/* a name is on the disk when its directory is */
static NTSTATUS sync_dir(void)
{
    return fsync( config_dir_fd ) ? errno_status() : STATUS_SUCCESS;
}

static NTSTATUS open_journal(void)
{
    NTSTATUS status;

    if (journal_fd != -1) return STATUS_SUCCESS;
    if ((journal_fd = openat( config_dir_fd, JOURNAL_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600 )) == -1) return errno_status();
    if (!(status = sync_dir())) return STATUS_SUCCESS;
    close( journal_fd );
    journal_fd = -1;
    return status;
}

static NTSTATUS read_journal( unsigned char **data, size_t *size )
{
    struct stat st;
    ssize_t ret;
    size_t pos = 0;

    /* it is made by the first change */
    if (journal_fd == -1 && (journal_fd = openat( config_dir_fd, JOURNAL_NAME, O_RDWR | O_CLOEXEC )) == -1) return errno_status();
    if (fstat( journal_fd, &st )) return errno_status();
    if (st.st_size > MAX_JOURNAL) return STATUS_INFO_LENGTH_MISMATCH;
    if (!(*data = malloc( st.st_size + 1 ))) return STATUS_NO_MEMORY;
    while (pos < st.st_size && (ret = pread( journal_fd, *data + pos, st.st_size - pos, pos )) != 0)
    {
        if (ret > 0) pos += ret;
        else if (errno != EINTR) break;
    }
    if (pos == st.st_size)
    {
        /* a record may end in zeros, and never begins so */
        while (pos && !(*data)[pos - 1]) pos--;
        pos = (pos + JOURNAL_RECORD_SIZE - 1) / JOURNAL_RECORD_SIZE * JOURNAL_RECORD_SIZE;
        *size = min( pos, st.st_size );
        return STATUS_SUCCESS;
    }
    /* what is behind must not be taken for nothing, and written over */
    free( *data );
    *data = NULL;
    return STATUS_UNSUCCESSFUL;
}

/* a journal that can't be read is not written to either */
static NTSTATUS load_journal( void *context, unsigned char **data, size_t *size )
{
    NTSTATUS status = read_journal( data, size );

    journal_failed = status && status != STATUS_NOT_FOUND;
    return status;
}

static NTSTATUS write_journal( void *context, uint64_t offset, const void *data, size_t size )
{
    size_t room = JOURNAL_CHUNK - offset % JOURNAL_CHUNK;
    NTSTATUS status = open_journal();
    char chunk[JOURNAL_CHUNK];
    struct stat st;

    if (!status && fstat( journal_fd, &st )) status = errno_status();
    if (!status && offset + size > st.st_size && size < room)
    {
        memset( chunk, 0, room );
        memcpy( chunk, data, size );
        data = chunk;
        size = room;
    }
    if (!status) status = write_all( journal_fd, offset, data, size );
    journal_failed = status != STATUS_SUCCESS;
    return status;
}

static NTSTATUS truncate_journal( void *context, uint64_t size )
{
    NTSTATUS status = open_journal();

    if (status) return status;
    if (ftruncate( journal_fd, size ) || fdatasync( journal_fd )) return errno_status();
    return STATUS_SUCCESS;
}

static NTSTATUS replace_journal( void *context, const void *data, size_t size )
{
    int fd = openat( config_dir_fd, NEW_JOURNAL_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600 );
    NTSTATUS status;

    if (fd == -1) return errno_status();
    if (!(status = write_all( fd, 0, data, size )) &&
        renameat( config_dir_fd, NEW_JOURNAL_NAME, config_dir_fd, JOURNAL_NAME )) status = errno_status();
    if (status)
    {
        unlinkat( config_dir_fd, NEW_JOURNAL_NAME, 0 );
        close( fd );
        return status;
    }
    if (journal_fd != -1) close( journal_fd );
    journal_fd = fd;
    return sync_dir();
}

const struct journal_storage store_storage = { NULL, load_journal, write_journal, truncate_journal, replace_journal };

/* Wait for the registry file to be on the disk, now that nobody waits for this process: it can take long. */
static void sync_registry(void)
{
    int fd;

    if (faccessat( config_dir_fd, JOURNAL_NAME, F_OK, 0 )) return;
    if ((fd = openat( config_dir_fd, "system.reg", O_RDONLY | O_CLOEXEC )) == -1) return;
    if (!fsync( fd ) && !sync_dir()) store_read_mark( saved_mark );
    close( fd );
}

NTSTATUS store_storage_open(void)
{
    unlinkat( config_dir_fd, NEW_JOURNAL_NAME, 0 );  /* left behind by a crash, perhaps incomplete */
    sync_registry();
    return STATUS_SUCCESS;
}

void store_storage_close(void)
{
    if (journal_fd != -1) close( journal_fd );
    journal_fd = -1;
}

/* a second name: the journal that replaces it is another file */
int store_keep_damaged(void)
{
    unlinkat( config_dir_fd, BAD_JOURNAL_NAME, 0 );
    return !linkat( config_dir_fd, JOURNAL_NAME, config_dir_fd, BAD_JOURNAL_NAME, 0 );
}

int is_reservation_store_writable(void)
{
    return !journal_failed;
}

/* ---- registry ---- */

static const char *get_path( int protocol )
{
    return protocol == PROTOCOL_UDP ? STORE_UDP_KEY : STORE_TCP_KEY;
}

static int is_name( const WCHAR *name, data_size_t len, const char *ascii )
{
    data_size_t i;

    for (i = 0; i < len / sizeof(WCHAR); i++)
        if (!ascii[i] || name[i] >= 0x80 || tolower( name[i] ) != tolower( ascii[i] )) return 0;
    return !ascii[i];
}

static int get_mark( const WCHAR *name, data_size_t name_len, unsigned int type, const void *data, data_size_t len, void *arg )
{
    const WCHAR *text = data;
    char *mark = arg;
    data_size_t i;

    if (!is_name( name, name_len, STORE_STATE_NAME )) return 1;
    if (type != REG_SZ) return 0;
    for (i = 0; i < JOURNAL_MARK_LEN && i < len / sizeof(WCHAR); i++) mark[i] = text[i] < 0x80 ? text[i] : 0;
    mark[i] = 0;
    return 0;
}

NTSTATUS store_read_mark( char mark[JOURNAL_MARK_LEN + 1] )
{
    mark[0] = 0;
    registry_enum_values( STORE_STATE_KEY, get_mark, mark );
    return STATUS_SUCCESS;
}

NTSTATUS store_write_mark( const char mark[JOURNAL_MARK_LEN + 1] )
{
    WCHAR text[JOURNAL_MARK_LEN + 1];
    unsigned int i;

    for (i = 0; i <= JOURNAL_MARK_LEN; i++) text[i] = (unsigned char)mark[i];
    return registry_set_value( STORE_STATE_KEY, STORE_STATE_NAME, REG_SZ, text, sizeof(text) );
}

/* The registry was read from its file at the start, so what it had then is in there. */
void store_read_saved_mark( char mark[JOURNAL_MARK_LEN + 1] )
{
    memcpy( mark, saved_mark, sizeof(saved_mark) );
}

NTSTATUS store_change( int op, int protocol, unsigned int first, unsigned int count )
{
    char name[STORE_NAME_LEN + 1];

    store_format_name( name, first, count );
    if (op == JOURNAL_ADD) return registry_set_value( get_path( protocol ), name, REG_BINARY, store_value_data, STORE_DATA_LEN );
    return registry_delete_value( get_path( protocol ), name );
}

struct enum_values
{
    store_value_callback callback;
    void                *context;
    NTSTATUS             status;
};

static int enum_value_name( const WCHAR *name, data_size_t name_len, unsigned int type, const void *data, data_size_t len, void *arg )
{
    struct enum_values *info = arg;
    char text[64];
    data_size_t i;

    for (i = 0; i < name_len / sizeof(WCHAR) && i < sizeof(text) - 1; i++)
        text[i] = name[i] >= 0x20 && name[i] < 0x7f ? name[i] : '?';
    text[i] = 0;
    info->status = info->callback( info->context, text, name_len / sizeof(WCHAR), type, data, len );
    return !info->status;
}

NTSTATUS store_enum_values( int protocol, store_value_callback callback, void *context )
{
    struct enum_values info = { callback, context, callback( context, NULL, 0, 0, NULL, 0 ) };

    if (!info.status) registry_enum_values( get_path( protocol ), enum_value_name, &info );
    return info.status;
}

/* ---- what reservation.c calls ---- */

NTSTATUS host_store_add( int protocol, unsigned int first, unsigned int count )
{
    return store_add( protocol, first, count );
}

NTSTATUS host_store_remove( int protocol, unsigned int first, unsigned int count )
{
    return store_remove( protocol, first, count );
}

static void add_block( void *context, int protocol, unsigned int first, unsigned int count )
{
    void (**callback)( int protocol, unsigned int first, unsigned int count ) = context;

    (*callback)( protocol, first, count );
}

unsigned int open_reservation_store( void (*callback)( int protocol, unsigned int first, unsigned int count ) )
{
    return store_open( add_block, &callback );
}
