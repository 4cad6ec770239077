/*
 * Fuzzing what makes a DLL look like one of Wine's
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dlls/adapt/adapt.h"
#include "make_dll.h"

/* The input changes numbers in two files that are whole, or cuts one off: a mutation of the files' bytes would soon be no program any more.
 * Whatever they are, nothing outside of them is touched, and what is made of them can be read again and has Wine's exports. */

#define ARRAY_SIZE( array ) (sizeof(array) / sizeof((array)[0]))
#define MAX_FILE    0x2000
#define CHANGE_SIZE 7  /* one byte what, two the place, four the value */

static const struct dll_export wine_exports[] =
{
    { "accept", NULL }, { "bind", NULL }, { NULL, NULL }, { "Sleep", "KERNEL32.Sleep" }, { "WSATomorrow", NULL }, { "connect", "ntdll.connect" },
};
static const struct dll_export our_exports[] = { { "bind", NULL }, { "WSAReserve", NULL }, { "accept", NULL }, { "connect", NULL } };

struct file
{
    unsigned char *data;
    size_t         size;
};

static void check( int cond, const char *what )
{
    if (cond) return;
    fprintf( stderr, "fuzz_adapt: %s\n", what );
    abort();
}

static void check_error( const char *error, const char *what )
{
    if (!error) return;
    fprintf( stderr, "fuzz_adapt: %s: %s\n", what, error );
    abort();
}

static void add_resource( struct resources *resources, unsigned int type, const unsigned char *name, uint32_t language, const char *text )
{
    struct resource resource = { { type, NULL, 0 }, { 1, name, name ? 2 : 0 }, language, (const unsigned char *)text, strlen( text ), 0 };

    check_error( resources_add( resources, &resource ), "can't add a resource" );
}

/* kind: bit 0: for 32-bit programs, bit 1: ours */
static struct file make_file( unsigned int kind )
{
    static const unsigned char name[] = { 'A', 0, 'B', 0 };
    struct resources resources = { 0 };
    struct dll dll = { .pe32 = kind & 1, .resources = &resources };
    struct file file;

    add_resource( &resources, RESOURCE_VERSION, NULL, 0x409, kind & 2 ? "our version" : "version" );
    add_resource( &resources, 10, name, 0x409, "a name" );
    if (!(kind & 2)) add_resource( &resources, 6, NULL, 0x407, "another language" );
    if (kind & 2)
    {
        dll.exports = our_exports;
        dll.export_count = ARRAY_SIZE( our_exports );
        dll.own = "bind\0WSAReserve\0connect\0";
        dll.spares = 4;
    }
    else
    {
        dll.exports = wine_exports;
        dll.export_count = ARRAY_SIZE( wine_exports );
    }
    file.data = make_dll( &dll, DLL_HEADERS, &file.size );
    check( file.size <= MAX_FILE, "MAX_FILE is too small" );
    resources_free( &resources );
    return file;
}

/* Each name of Wine's leads to something under the same number. */
static void check_exports( struct exports *exports, const struct exports *wine )
{
    unsigned int i, j = 0;

    check( exports->base == wine->base && exports->function_count >= wine->function_count, "other numbers" );
    for (i = 0; i < wine->function_count; i++)
        check( !wine->functions[i] == !exports->functions[i], "a number has not what it had" );
    for (i = 0; i < wine->name_count; i++, j++)
    {
        while (j < exports->name_count && strcmp( exports->names[j].name, wine->names[i].name )) j++;
        check( j < exports->name_count, "a name is not there" );
        check( exports->names[j].index == wine->names[i].index, "a name has another number" );
    }
}

static void check_made( const struct file *ours, const struct file *wine, const struct file *made )
{
    struct exports exports = { 0 }, of_wine = { 0 };
    struct resources resources = { 0 };
    struct exports_table table;
    struct pe pe, our_pe, wine_pe;

    check_error( pe_open( &our_pe, ours->data, ours->size ), "ours can't be opened" );
    check_error( pe_open( &pe, made->data, made->size ), "it can't be opened" );
    check_error( pe_open( &wine_pe, wine->data, wine->size ), "Wine's can't be opened" );
    check_error( resources_read( &pe, &resources ), "its resources can't be read" );
    check( adapted_from( ours->data, ours->size, made->data, made->size ), "it is not from ours" );
    exports_find_mark( &our_pe, &table );
    if (table.mark)
    {
        check_error( exports_read( &pe, &exports ), "its exports can't be read" );
        check_error( exports_read( &wine_pe, &of_wine ), "Wine's exports can't be read" );
        check_exports( &exports, &of_wine );
    }
    exports_free( &of_wine );
    exports_free( &exports );
    resources_free( &resources );
}

static void change( struct file *file, unsigned int what, unsigned int place, const uint8_t *value )
{
    static const unsigned int sizes[] = { 4, 2, 1, 0 };
    unsigned int size = sizes[what & 3];

    if (!file->size) return;
    if (!size) file->size = place % (file->size + 1);
    else if (size <= file->size) memcpy( file->data + place % (file->size - size + 1), value, size );
}

extern int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size );

int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size )
{
    static struct file whole[4];
    static unsigned char changed[2][MAX_FILE];
    struct file files[2], made = { 0 };  /* Wine's, ours */
    int of_wine = -1;
    const char *error;
    unsigned int i;

    if (!size) return 0;
    if (!whole[0].data) for (i = 0; i < 4; i++) whole[i] = make_file( i );
    for (i = 0; i < 2; i++)
    {
        const struct file *from = &whole[2 * i + (data[0] >> i & 1)];

        files[i].size = from->size;
        files[i].data = changed[i];
        memcpy( changed[i], from->data, from->size );
    }
    for (data++, size--; size >= CHANGE_SIZE; data += CHANGE_SIZE, size -= CHANGE_SIZE)
        change( &files[data[0] & 1], data[0] >> 1, data[1] | data[2] << 8, data + 3 );
    /* of the size that is claimed, so that a look past the end is seen */
    for (i = 0; i < 2; i++)
    {
        if (!(files[i].data = malloc( files[i].size ? files[i].size : 1 ))) abort();
        memcpy( files[i].data, changed[i], files[i].size );
    }

    error = adapt( files[1].data, files[1].size, files[0].data, files[0].size, &made.data, &made.size, &of_wine );
    if (error) check( !made.data && (of_wine == 0 || of_wine == 1), "an error, and a file" );
    else check_made( &files[1], &files[0], &made );
    adapted_from( files[1].data, files[1].size, files[0].data, files[0].size );
    free( made.data );
    for (i = 0; i < 2; i++) free( files[i].data );
    return 0;
}
