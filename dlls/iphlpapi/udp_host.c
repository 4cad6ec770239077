/*
 * The host's own table of UDP sockets
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Wine made its UDP table of /proc/net/udp (8.0 does; later ones ask wineserver), and looks for the owner of each row among all descriptors of all its processes, asked or
 * not. The row of a guard has none there, which takes the longest: 500 make a call last seconds. So the table is made here, from the same
 * files, and the owners are found the other way round: by one look at each handle of a file that there is. */

#include <stdlib.h>
#include <string.h>

#include "udp_host.h"
#include "afd.h"
#include "handles.h"

struct file
{
    char *text;
    DWORD size;
};

/* The size of these files is not known before. */
static BOOL read_file( const WCHAR *path, struct file *file )
{
    DWORD room = 0x10000, size;
    HANDLE handle;
    char *text;

    handle = CreateFileW( path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL );
    if (handle == INVALID_HANDLE_VALUE) return FALSE;
    file->size = 0;
    file->text = malloc( room );
    while (file->text && ReadFile( handle, file->text + file->size, room - file->size - 1, &size, NULL ) && size)
    {
        file->size += size;
        if (room - file->size > 0x1000) continue;
        room *= 2;
        if (!(text = realloc( file->text, room ))) free( file->text );
        file->text = text;
    }
    CloseHandle( handle );
    if (!file->text) return FALSE;
    file->text[file->size] = 0;
    return TRUE;
}

static char *next_line( char *line )
{
    char *end = strchr( line, '\n' );

    return end ? end + 1 : line + strlen( line );
}

/* the field of a line that is parted by blanks */
static char *find_field( char *line, unsigned int number )
{
    for (;;)
    {
        while (*line == ' ') line++;
        if (!number--) return line;
        while (*line && *line != ' ' && *line != '\n') line++;
    }
}

/* Hex digits as the kernel prints an address: the words of memory, as numbers of this machine. Returns what follows. */
static char *parse_address( char *digits, unsigned char *addr, unsigned int size )
{
    char word[9] = { 0 };
    unsigned int i;
    ULONG value;

    for (i = 0; i < size; i += sizeof(value))
    {
        memcpy( word, digits, 8 );
        value = strtoul( word, NULL, 16 );
        memcpy( addr + i, &value, sizeof(value) );
        digits += 8;
    }
    return digits;
}

static BOOL add_row( struct udp_rows *rows, char *line, unsigned int addr_size )
{
    unsigned int room = rows->room ? 2 * rows->room : 64;
    struct udp_row *row, *grown;
    char *local = find_field( line, 1 );
    size_t len = 2 * (size_t)addr_size;

    if (strcspn( local, " \n" ) != len + 5 || local[len] != ':') return TRUE;  /* the heading */
    if (rows->count == rows->room)
    {
        if (!(grown = realloc( rows->rows, room * sizeof(*rows->rows) ))) return FALSE;
        rows->rows = grown;
        rows->room = room;
    }
    row = &rows->rows[rows->count++];
    memset( row, 0, sizeof(*row) );
    row->port = strtoul( parse_address( local, row->addr, addr_size ) + 1, NULL, 16 );
    row->inode = strtoul( find_field( line, 9 ), NULL, 10 );
    return TRUE;
}

/* Wine's value: the scope of an address of this machine as a number in network order, of multicast that in the address, else all ones */
static void set_scope( struct udp_row *row, const struct file *addresses )
{
    static const unsigned char any[16];
    unsigned char addr[16];
    ULONG word;
    char *line;
    int i;

    if (!memcmp( row->addr, any, sizeof(any) )) return;
    row->scope = ~0u;
    if (row->addr[0] == 0xff) row->scope = (row->addr[1] & 0xf) << 8;
    else for (line = addresses->text; *line; line = next_line( line ))
    {
        if (strcspn( line, " \n" ) != 32) continue;
        parse_address( line, addr, sizeof(addr) );
        for (i = 0; i < 16; i += 4)  /* here it is printed in the order of the bytes */
        {
            memcpy( &word, addr + i, sizeof(word) );
            word = word << 24 | (word & 0xff00) << 8 | (word >> 8 & 0xff00) | word >> 24;
            memcpy( addr + i, &word, sizeof(word) );
        }
        if (memcmp( addr, row->addr, sizeof(addr) )) continue;
        row->scope = (strtoul( find_field( line, 3 ), NULL, 16 ) & 0xff) << 8;
        break;
    }
}

/* Does a file have a text, with the 0 that ends it? */
static BOOL has_text( const struct file *file, const char *text )
{
    const char *ptr = file->text, *end = file->text + file->size;
    size_t size = strlen( text ) + 1;

    while ((size_t)(end - ptr) >= size && (ptr = memchr( ptr, text[0], end - ptr - size + 1 )))
        if (!memcmp( ptr++, text, size )) return TRUE;
    return FALSE;
}

/* The Unix half of Wine's own that makes the tables, as Wine's loader finds it */
static BOOL read_nsiproxy( struct file *file )
{
    static const WCHAR *const names[] = { L"\\x86_64-unix\\nsiproxy.so", L"\\i386-unix\\nsiproxy.so" };
    WCHAR folder[MAX_PATH], path[MAX_PATH + 32], variable[] = L"WINEDLLDIR0";
    unsigned int i, j;
    DWORD len;

    for (i = 0; i < 10; i++)
    {
        variable[ARRAYSIZE( variable ) - 2] = '0' + i;
        len = GetEnvironmentVariableW( variable, folder, MAX_PATH );
        if (!len || len >= MAX_PATH) return FALSE;
        if (!wcsncmp( folder, L"\\??\\", 4 )) folder[1] = '\\';  /* as the kernel says it */
        for (j = 0; j < 2; j++)
        {
            wcscpy( path, folder );
            wcscat( path, names[j] );
            if (read_file( path, file )) return TRUE;
        }
    }
    return FALSE;
}

BOOL udp_host_is_wines(void)
{
    static LONG known;  /* 1: it is, 2: it is not */
    struct file file;

    if (!known)
    {
        BOOL found = read_nsiproxy( &file );

        known = found && has_text( &file, "/proc/net/udp" ) ? 1 : 2;
        if (found) free( file.text );
    }
    return known == 1;
}

DWORD udp_host_list( ULONG family, struct udp_rows *rows )
{
    unsigned int i, addr_size = family == AF_INET ? 4 : 16, before = rows->count;
    struct file file, addresses;
    BOOL ret = TRUE;
    char *line;

    if (!read_file( family == AF_INET ? L"\\\\?\\unix\\proc\\net\\udp" : L"\\\\?\\unix\\proc\\net\\udp6", &file ))
        return family == AF_INET ? ERROR_NOT_SUPPORTED : NO_ERROR;
    for (line = file.text; *line && ret; line = next_line( line )) ret = add_row( rows, line, addr_size );
    free( file.text );
    if (family == AF_INET6 && ret && read_file( L"\\\\?\\unix\\proc\\net\\if_inet6", &addresses ))
    {
        for (i = before; i < rows->count; i++) set_scope( &rows->rows[i], &addresses );
        free( addresses.text );
    }
    return ret ? NO_ERROR : ERROR_NOT_ENOUGH_MEMORY;
}

void udp_host_free( struct udp_rows *rows )
{
    free( rows->rows );
}

BOOL udp_host_has_ipv6(void)
{
    return GetFileAttributesW( L"\\\\?\\unix\\proc\\net\\udp6" ) != INVALID_FILE_ATTRIBUTES;
}

void udp_host_get_ephemeral( unsigned int *first, unsigned int *last )
{
    struct file file;

    *first = 32768;
    *last = 60999;
    if (!read_file( L"\\\\?\\unix\\proc\\sys\\net\\ipv4\\ip_local_port_range", &file )) return;
    *first = strtoul( file.text, NULL, 10 );
    *last = strtoul( file.text + strcspn( file.text, " \t" ), NULL, 10 );
    free( file.text );
}

DWORD udp_host_get_numbers( ULONG family, DWORD numbers[5] )
{
    static const char *const names[] = { "Udp6InDatagrams ", "Udp6NoPorts ", "Udp6InErrors ", "Udp6OutDatagrams " };
    struct file file;
    unsigned int i;
    char *line;

    memset( numbers, 0, 5 * sizeof(numbers[0]) );
    if (!read_file( family == AF_INET ? L"\\\\?\\unix\\proc\\net\\snmp" : L"\\\\?\\unix\\proc\\net\\snmp6", &file )) return ERROR_NOT_SUPPORTED;
    for (line = file.text; *line; line = next_line( line ))
    {
        /* the names of the numbers have a line of the same kind before */
        if (family == AF_INET && !strncmp( line, "Udp: ", 5 ))
            for (i = 0; i < 5; i++) numbers[i] = strtoul( find_field( line, i + 1 ), NULL, 10 );
        if (family == AF_INET6)
            for (i = 0; i < 4; i++)
                if (!strncmp( line, names[i], strlen( names[i] ) )) numbers[i] = strtoul( find_field( line, 1 ), NULL, 10 );
    }
    free( file.text );
    return NO_ERROR;
}

/* the rows by inode */
struct index
{
    ULONG64         inode;
    struct udp_row *row;
};

static int compare_inodes( const void *a, const void *b )
{
    ULONG64 inode_a = ((const struct index *)a)->inode, inode_b = ((const struct index *)b)->inode;

    return inode_a < inode_b ? -1 : inode_a > inode_b;
}

struct search
{
    struct index *sorted;
    unsigned int  count;
};

/* a file of the same inode may be of another file system */
static BOOL is_udp_socket( HANDLE handle )
{
    int family, protocol;

    return !afd_get_protocol( handle, NULL, &family, &protocol ) && protocol == IPPROTO_UDP;
}

static BOOL find_owner( void *context, const struct found_handle *handle )
{
    const struct search *search = context;
    const struct index key = { afd_get_id( handle->duplicate ), NULL }, *found;

    if (!key.inode || !(found = bsearch( &key, search->sorted, search->count, sizeof(key), compare_inodes ))) return TRUE;
    if (!found->row->pid && is_udp_socket( handle->duplicate )) found->row->pid = handle->pid;
    return TRUE;
}

void udp_host_find_owners( struct udp_rows *rows )
{
    struct search search = { malloc( rows->count * sizeof(*search.sorted) ), rows->count };
    unsigned int i;

    if (rows->count && search.sorted)
    {
        for (i = 0; i < rows->count; i++)
        {
            search.sorted[i].inode = rows->rows[i].inode;
            search.sorted[i].row = &rows->rows[i];
        }
        qsort( search.sorted, rows->count, sizeof(*search.sorted), compare_inodes );
        enum_handles( find_owner, &search );
    }
    free( search.sorted );
}
