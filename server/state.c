/*
 * Runtime state that outlives the server
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "log.h"
#include "path.h"
#include "security.h"
#include "state.h"
#include "status.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define STATE_MAGIC 0x32747350  /* "Pst2": the layout of struct state_record */

/* the place 0 of the file; a slot of 0 means that there is none */
struct state_header
{
    uint32_t magic;
    uint32_t record_size;
    uint64_t boot_time;     /* of the wineserver: with another one the sockets are others */
    char     __pad[sizeof(struct state_record) - 2 * sizeof(uint32_t) - sizeof(uint64_t)];
};

static HANDLE file = INVALID_HANDLE_VALUE;
static unsigned int next_slot = 1;     /* the end of the file */
static unsigned int *free_slots;
static unsigned int free_count, free_size;

/* Records that could not be written. What stands in the file instead, an older one or nothing, would mislead the next server. */
struct unwritten
{
    unsigned int        slot;
    struct state_record record;
};

static struct unwritten *unwritten;
static unsigned int unwritten_count;
static int incomplete;                 /* records are missing in the file for good */

/* Wine answers with the time when the prefix's wineserver started. */
static NTSTATUS get_boot_time( uint64_t *time )
{
    SYSTEM_TIMEOFDAY_INFORMATION info;
    NTSTATUS status = NtQuerySystemInformation( SystemTimeOfDayInformation, &info, sizeof(info), NULL );

    if (!status) *time = info.BootTime.QuadPart;
    return status;
}

/* Without an OVERLAPPED, since Wine looks for a completion port to tell then. */
static BOOL write_slot( unsigned int slot, const void *data )
{
    DWORD size;

    return SetFilePointer( file, slot * sizeof(struct state_record), NULL, FILE_BEGIN ) != INVALID_SET_FILE_POINTER &&
           WriteFile( file, data, sizeof(struct state_record), &size, NULL ) && size == sizeof(struct state_record);
}

static BOOL read_all( HANDLE from, void *buffer, DWORD len )
{
    DWORD size;

    return ReadFile( from, buffer, len, &size, NULL ) && size == len;
}

/* *records is NULL when the file has none. *ours: the file is of this wineserver. What can't be read is an error: it must not be taken for
 * nothing, and written over. */
static NTSTATUS read_records( HANDLE from, uint64_t boot_time, BOOL *ours, struct state_record **records, unsigned int *count )
{
    struct state_header header;
    DWORD total = GetFileSize( from, NULL );

    *ours = FALSE;
    if (total == INVALID_FILE_SIZE) return STATUS_UNSUCCESSFUL;
    if (total < sizeof(header)) return STATUS_SUCCESS;
    if (!read_all( from, &header, sizeof(header) )) return STATUS_UNSUCCESSFUL;
    if (header.magic != STATE_MAGIC || header.record_size != sizeof(**records) || total > (1 << 30)) return STATUS_SUCCESS;
    if (header.boot_time != boot_time) return STATUS_SUCCESS;
    *ours = TRUE;
    if (total < sizeof(header) + sizeof(**records)) return STATUS_SUCCESS;
    total -= sizeof(header);
    if (!(*records = malloc( total ))) return STATUS_NO_MEMORY;
    if (!read_all( from, *records, total ))
    {
        free( *records );
        *records = NULL;
        return STATUS_UNSUCCESSFUL;
    }
    *count = total / sizeof(**records);
    return STATUS_SUCCESS;
}

/* Empty the file, and mark it as this wineserver's. With a mark that can't be written, what follows counts for nothing; with records of
 * before behind a new mark, they would count. */
static void start_anew( uint64_t boot_time )
{
    struct state_header header;

    if (file == INVALID_HANDLE_VALUE) return;
    memset( &header, 0, sizeof(header) );
    header.magic = STATE_MAGIC;
    header.record_size = sizeof(struct state_record);
    header.boot_time = boot_time;
    if (SetFilePointer( file, 0, NULL, FILE_BEGIN ) == INVALID_SET_FILE_POINTER || !SetEndOfFile( file ) ||
        !write_slot( 0, &header ))
    {
        log_message( "can't write the file 'state' (error %u): reservations will not survive the server",
                     (unsigned int)GetLastError() );
        incomplete = 1;
    }
}

/* Open the file, or make it. What can't be written can be read all the same, and is what the last server left. */
static NTSTATUS open_file( HANDLE *readable )
{
    WCHAR path[MAX_PATH];
    DWORD error;

    if (!path_beside_program( path, L"state" )) return STATUS_UNSUCCESSFUL;
    *readable = file = create_private_file( path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, OPEN_EXISTING );  /* it holds the tokens */
    error = GetLastError();
    if (file == INVALID_HANDLE_VALUE && error == ERROR_FILE_NOT_FOUND)
    {
        *readable = file = create_private_file( path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, CREATE_NEW );
        if (file != INVALID_HANDLE_VALUE) return STATUS_SUCCESS;
        log_message( "can't make the file 'state' (error %u): reservations will not survive the server", (unsigned int)GetLastError() );
    }
    else if (file == INVALID_HANDLE_VALUE)
    {
        /* Wine's answer for a file system that is mounted read-only, too */
        if (error == ERROR_WRITE_PROTECT || error == ERROR_ACCESS_DENIED)
            *readable = CreateFileW( path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL );
        log_message( *readable == INVALID_HANDLE_VALUE
                     ? "can't open the file 'state' (error %u); it can be removed when no program of this prefix runs"
                     : "can't write the file 'state' (error %u): reservations will not survive the server", (unsigned int)error );
        if (*readable == INVALID_HANDLE_VALUE) return STATUS_UNSUCCESSFUL;
    }
    incomplete = file == INVALID_HANDLE_VALUE;
    return STATUS_SUCCESS;
}

NTSTATUS state_open( struct state_record **records, unsigned int *count )
{
    HANDLE readable;
    uint64_t boot_time;
    BOOL ours;
    NTSTATUS status;

    *records = NULL;
    *count = 0;
    if ((status = get_boot_time( &boot_time ))) return status;
    if ((status = open_file( &readable ))) return status;
    if (readable == INVALID_HANDLE_VALUE) return STATUS_SUCCESS;
    status = read_records( readable, boot_time, &ours, records, count );
    if (file == INVALID_HANDLE_VALUE) CloseHandle( readable );
    if (status) return status;
    if (ours) next_slot = *count + 1;
    else start_anew( boot_time );
    return STATUS_SUCCESS;
}

static struct unwritten *find_unwritten( unsigned int slot )
{
    unsigned int i;

    for (i = 0; i < unwritten_count; i++)
        if (unwritten[i].slot == slot) return &unwritten[i];
    return NULL;
}

static void drop_unwritten( struct unwritten *entry )
{
    *entry = unwritten[--unwritten_count];
    if (unwritten_count) return;
    free( unwritten );
    unwritten = NULL;
}

static void write_record( unsigned int slot, const struct state_record *record )
{
    struct unwritten *entry = find_unwritten( slot ), *entries;
    static BOOL told;

    if (file == INVALID_HANDLE_VALUE) return;  /* as was said at the start */
    if (write_slot( slot, record ))
    {
        if (entry) drop_unwritten( entry );
        return;
    }
    if (!told) log_message( "can't write the file 'state' (error %u): until that works reservations may not survive the server",
                            (unsigned int)GetLastError() );
    told = TRUE;
    if (!entry)
    {
        if (!(entries = realloc( unwritten, (unwritten_count + 1) * sizeof(*entries) )))
        {
            incomplete = 1;
            return;
        }
        unwritten = entries;
        entry = &unwritten[unwritten_count++];
    }
    entry->slot = slot;
    entry->record = *record;
}

void state_tick(void)
{
    while (unwritten_count && write_slot( unwritten[0].slot, &unwritten[0].record )) drop_unwritten( &unwritten[0] );
}

int state_unsaved(void)
{
    return incomplete || unwritten_count;
}

void state_save( unsigned int *slot, const struct state_record *record )
{
    if (!*slot) *slot = free_count ? free_slots[--free_count] : next_slot++;
    write_record( *slot, record );
}

void state_erase( unsigned int *slot )
{
    static const struct state_record empty;
    unsigned int *slots;

    if (!*slot) return;
    write_record( *slot, &empty );
    if (free_count == free_size)
    {
        if (!(slots = realloc( free_slots, (free_size + 256) * sizeof(*slots) ))) return;  /* the file grows instead */
        free_slots = slots;
        free_size += 256;
    }
    free_slots[free_count++] = *slot;
    *slot = 0;
}

void state_close(void)
{
    if (file == INVALID_HANDLE_VALUE) return;
    SetFilePointer( file, 0, NULL, FILE_BEGIN );
    SetEndOfFile( file );
    CloseHandle( file );
}
