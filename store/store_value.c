/*
 * Registry values of the store, as bytes
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "store_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REG_BINARY_TYPE 3  /* REG_BINARY of <winnt.h>, which native code does not have */

/* The layout is described in the BigFix forum's thread 23004 and used by bigfix.me fixlet 27007. */
const unsigned char store_value_data[STORE_DATA_LEN] = { 0x12, 0x00, 0xff, 0xff };

int store_block_is_valid( unsigned int first, unsigned int count )
{
    return first && first <= 65535 && count && count <= 65535 && first + count - 1 <= 65535;
}

void store_format_name( char name[STORE_NAME_LEN + 1], unsigned int first, unsigned int count )
{
    snprintf( name, STORE_NAME_LEN + 1, "%02x%02x%02x%02x", (first >> 8) & 0xff, first & 0xff, count & 0xff, (count >> 8) & 0xff );
}

static int hex_digit( char c )
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static int hex_byte( const char *digits )
{
    int high = hex_digit( digits[0] );
    int low = high < 0 ? -1 : hex_digit( digits[1] );

    return low < 0 ? -1 : high << 4 | low;
}

enum store_error store_parse_value( const char *name, size_t name_len, unsigned int type, const void *data,
                                    size_t data_len, struct store_block *block )
{
    int bytes[STORE_NAME_LEN / 2];
    unsigned int first, count;
    size_t i;

    if (name_len != STORE_NAME_LEN) return STORE_VALUE_BAD_NAME;
    for (i = 0; i < STORE_NAME_LEN / 2; i++)
        if ((bytes[i] = hex_byte( name + 2 * i )) < 0) return STORE_VALUE_BAD_NAME;
    first = bytes[0] << 8 | bytes[1];
    count = bytes[3] << 8 | bytes[2];
    if (!store_block_is_valid( first, count )) return STORE_VALUE_BAD_BLOCK;
    if (type != REG_BINARY_TYPE) return STORE_VALUE_BAD_TYPE;
    if (data_len != STORE_DATA_LEN) return STORE_VALUE_BAD_DATA;
    block->first = first;
    block->count = count;
    /* The name alone says which ports are meant. A port too many kept from being handed out does less harm than a block that
     * an administrator wrote and that is silently not there. */
    return memcmp( data, store_value_data, STORE_DATA_LEN ) ? STORE_VALUE_OTHER_DATA : STORE_VALUE_OK;
}

const char *store_error_text( enum store_error error )
{
    switch (error)
    {
    case STORE_VALUE_OK:         return "is a block";
    case STORE_VALUE_OTHER_DATA: return "counts, but its data is not 12 00 ff ff";
    case STORE_VALUE_BAD_NAME:   return "is ignored: its name is not eight hexadecimal digits";
    case STORE_VALUE_BAD_BLOCK:  return "is ignored: its name is no block of ports within 1 to 65535";
    case STORE_VALUE_BAD_TYPE:   return "is ignored: its type is not REG_BINARY";
    case STORE_VALUE_BAD_DATA:   return "is ignored: its data is not four bytes long";
    }
    return "is ignored";
}

static int compare_blocks( const void *left, const void *right )
{
    const struct store_block *a = left, *b = right;

    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    /* the larger one: so no port that either of the two names is handed out */
    return (a->count < b->count) - (a->count > b->count);
}

size_t store_sort_blocks( struct store_block *blocks, size_t count )
{
    size_t i, kept = 0;
    unsigned int end = 0;

    if (!count) return 0;
    qsort( blocks, count, sizeof(*blocks), compare_blocks );
    for (i = 0; i < count; i++)
    {
        struct store_block block = blocks[i];

        if (block.first < end) continue;
        end = block.first + block.count;
        blocks[i] = blocks[kept];
        blocks[kept++] = block;
    }
    if (kept < count) qsort( blocks + kept, count - kept, sizeof(*blocks), compare_blocks );
    return kept;
}

/* end of the line that starts at pos */
static const char *line_end( const char *pos, const char *end )
{
    const char *ret = memchr( pos, '\n', end - pos );

    return ret ? ret : end;
}

/* Does the line start with prefix, name, suffix? Names are compared without regard to case, as the registry does. */
static const char *skip_name( const char *pos, const char *end, char open, const char *name, const char *close )
{
    if (pos == end || *pos++ != open) return NULL;
    for (; *name; name++, pos++)
    {
        char a, b = *name;

        if (pos == end) return NULL;
        a = *pos;
        if (a >= 'A' && a <= 'Z') a += 'a' - 'A';
        if (b >= 'A' && b <= 'Z') b += 'a' - 'A';
        if (a != b) return NULL;
    }
    for (; *close; close++, pos++)
        if (pos == end || *pos != *close) return NULL;
    return pos;
}

int store_find_string( const char *text, size_t size, const char *section, const char *name, char *value, size_t len )
{
    const char *pos, *next, *end = text + size;
    int inside = 0;

    for (pos = text; pos < end; pos = next < end ? next + 1 : end)
    {
        next = line_end( pos, end );
        if (*pos == '[')
        {
            if (inside) return 0;
            inside = skip_name( pos, next, '[', section, "]" ) != NULL;
        }
        else if (inside && (pos = skip_name( pos, next, '"', name, "\"=\"" )))
        {
            if ((size_t)(next - pos) <= len || pos[len] != '"' || memchr( pos, '"', len )) return 0;
            memcpy( value, pos, len );
            value[len] = 0;
            return 1;
        }
    }
    return 0;
}
