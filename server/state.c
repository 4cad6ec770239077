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

#define STATE_MAGIC 0x31747350  /* "Pst1": the layout of struct state_record */

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

/* Wine answers with the time when the prefix's wineserver started. */
static uint64_t get_boot_time(void)
{
    SYSTEM_TIMEOFDAY_INFORMATION info;

    if (NtQuerySystemInformation( SystemTimeOfDayInformation, &info, sizeof(info), NULL )) return 0;
    return info.BootTime.QuadPart;
}

static BOOL write_slot( unsigned int slot, const void *data )
{
    OVERLAPPED where = { 0 };
    DWORD size;

    where.Offset = slot * sizeof(struct state_record);
    return WriteFile( file, data, sizeof(struct state_record), &size, &where ) && size == sizeof(struct state_record);
}

static struct state_record *read_records( unsigned int *count )
{
    struct state_header header;
    struct state_record *records;
    DWORD total = GetFileSize( file, NULL ), size;

    if (!ReadFile( file, &header, sizeof(header), &size, NULL ) || size != sizeof(header)) return NULL;
    if (header.magic != STATE_MAGIC || header.record_size != sizeof(*records) || total > (1 << 30)) return NULL;
    if (header.boot_time != get_boot_time()) return NULL;
    if (!(records = malloc( total ))) return NULL;
    if (!ReadFile( file, records, total - sizeof(header), &size, NULL ) || size < sizeof(*records))
    {
        free( records );
        return NULL;
    }
    *count = size / sizeof(*records);
    return records;
}

struct state_record *state_open( unsigned int *count )
{
    struct state_header header;
    struct state_record *records;
    WCHAR path[MAX_PATH];

    *count = 0;
    if (path_beside_program( path, L"state" ))  /* for this user alone: it holds the tokens */
        file = CreateFileW( path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, user_only(), OPEN_ALWAYS, 0, NULL );
    if (file == INVALID_HANDLE_VALUE)
    {
        log_message( "can't open the file 'state' (error %u): reservations will not survive the server",
                     (unsigned int)GetLastError() );
        return NULL;
    }
    if ((records = read_records( count )))
    {
        next_slot = *count + 1;
        return records;
    }
    memset( &header, 0, sizeof(header) );
    header.magic = STATE_MAGIC;
    header.record_size = sizeof(struct state_record);
    header.boot_time = get_boot_time();
    SetFilePointer( file, 0, NULL, FILE_BEGIN );
    if (!SetEndOfFile( file ) || !write_slot( 0, &header ))
        log_message( "can't write the file 'state' (error %u)", (unsigned int)GetLastError() );
    return NULL;
}

void state_save( unsigned int *slot, const struct state_record *record )
{
    static BOOL told;

    if (!*slot) *slot = free_count ? free_slots[--free_count] : next_slot++;
    if (write_slot( *slot, record ) || told) return;
    log_message( "can't write the file 'state' (error %u): reservations may not survive the server",
                 (unsigned int)GetLastError() );
    told = TRUE;
}

void state_erase( unsigned int *slot )
{
    static const struct state_record empty;
    unsigned int *slots;

    if (!*slot) return;
    write_slot( *slot, &empty );
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
    SetFilePointer( file, 0, NULL, FILE_BEGIN );
    SetEndOfFile( file );
    CloseHandle( file );
}
