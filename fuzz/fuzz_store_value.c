/*
 * Fuzzing what is read from the registry and its files
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_value.h"

static void check( int cond, const char *what )
{
    if (cond) return;
    fprintf( stderr, "fuzz_store_value: %s\n", what );
    abort();
}

/* a copy that is not one byte longer, so that reading past it is found */
static void *copy( const void *data, size_t size )
{
    void *ret = malloc( size ? size : 1 );

    if (!ret) abort();
    memcpy( ret, data, size );
    return ret;
}

static void fuzz_value( const uint8_t *data, size_t size )
{
    size_t name_len = size ? data[0] % 12 : 0, i;
    char *name, formatted[STORE_NAME_LEN + 1];
    unsigned int type = size > 1 ? data[1] % 8 : 0;
    struct store_block block;
    enum store_error error;
    void *value;

    if (size < 2 + name_len) return;
    name = copy( data + 2, name_len );
    value = copy( data + 2 + name_len, size - 2 - name_len );
    error = store_parse_value( name, name_len, type, value, size - 2 - name_len, &block );
    check( store_error_text( error ) != NULL, "an error without a text" );
    if (error == STORE_VALUE_OK || error == STORE_VALUE_OTHER_DATA)
    {
        check( name_len == STORE_NAME_LEN, "a name of another length" );
        check( block.first && block.count && block.first + block.count <= 65536, "no block" );
        store_format_name( formatted, block.first, block.count );
        for (i = 0; i < STORE_NAME_LEN; i++) check( formatted[i] == tolower( (unsigned char)name[i] ), "another name" );
    }
    free( name );
    free( value );
}

static int compare_all( const void *left, const void *right )
{
    const struct store_block *a = left, *b = right;

    return a->first != b->first ? a->first - b->first : (int)a->count - (int)b->count;
}

static void fuzz_sort( const uint8_t *data, size_t size )
{
    size_t count = size / 3, kept, i, j;
    struct store_block *blocks, *before;

    if (!count || count > 64) return;
    blocks = calloc( count, sizeof(*blocks) );
    if (!blocks) abort();
    for (i = 0; i < count; i++)
    {
        blocks[i].first = data[3 * i] * 64 + 1;
        blocks[i].count = data[3 * i + 1] + (data[3 * i + 2] & 0xf0) + 1;
    }
    before = copy( blocks, count * sizeof(*blocks) );
    kept = store_sort_blocks( blocks, count );
    for (i = 1; i < kept; i++)
        check( blocks[i].first >= blocks[i - 1].first + blocks[i - 1].count, "two blocks that count overlap" );
    for (i = kept; i < count; i++)
    {
        for (j = 0; j < kept; j++)
            if (blocks[i].first < blocks[j].first + blocks[j].count && blocks[j].first < blocks[i].first + blocks[i].count) break;
        check( j < kept, "a block that overlaps nothing does not count" );
    }
    qsort( blocks, count, sizeof(*blocks), compare_all );
    qsort( before, count, sizeof(*before), compare_all );
    check( !memcmp( blocks, before, count * sizeof(*blocks) ), "other blocks" );
    free( blocks );
    free( before );
}

static void fuzz_file( const uint8_t *data, size_t size )
{
    char *text = copy( data, size );
    char value[5] = "none";

    if (!store_find_string( text, size, "Software\\\\A", "Seq", value, 4 )) check( !strcmp( value, "none" ), "a value that was not found" );
    else check( strlen( value ) <= 4 && !strchr( value, '"' ), "no value" );
    free( text );
}

extern int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size );

int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size )
{
    if (!size) return 0;
    switch (data[0] % 3)
    {
    case 0: fuzz_value( data + 1, size - 1 ); break;
    case 1: fuzz_sort( data + 1, size - 1 ); break;
    case 2: fuzz_file( data + 1, size - 1 ); break;
    }
    return 0;
}
