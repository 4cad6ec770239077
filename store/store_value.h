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

#ifndef PORTRES_STORE_VALUE_H
#define PORTRES_STORE_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* Nothing here calls the system: the same code runs in the server, in the native tests and under the fuzzer. */

/* name of a value: two bytes of start port, high byte first, then two bytes of count, low byte first, in hexadecimal */
#define STORE_NAME_LEN 8
/* what Windows writes as the data of each value */
#define STORE_DATA_LEN 4
extern const unsigned char store_value_data[STORE_DATA_LEN];

struct store_block
{
    uint16_t     first;   /* host order */
    unsigned int count;
};

enum store_error
{
    STORE_VALUE_OK,
    STORE_VALUE_OTHER_DATA,  /* a block; the data says something that Windows is not known to write */
    STORE_VALUE_BAD_NAME,    /* the name is not eight hexadecimal digits */
    STORE_VALUE_BAD_BLOCK,   /* it starts at port 0, has no port, or passes port 65535 */
    STORE_VALUE_BAD_TYPE,    /* not REG_BINARY */
    STORE_VALUE_BAD_DATA,    /* not four bytes of data */
};

/* Is [first, first + count) a block of ports? */
extern int store_block_is_valid( unsigned int first, unsigned int count );

/* Name of the value of a block, in lower case as Windows writes it, with a terminating zero. */
extern void store_format_name( char name[STORE_NAME_LEN + 1], unsigned int first, unsigned int count );

/* What does a value of the store say? The block is filled for STORE_VALUE_OK and STORE_VALUE_OTHER_DATA. Digits may be of
 * either case: names of registry values don't tell them apart. */
extern enum store_error store_parse_value( const char *name, size_t name_len, unsigned int type, const void *data,
                                           size_t data_len, struct store_block *block );
extern const char *store_error_text( enum store_error error );

/* Sort the blocks by start port, those that start at the same port by falling count, and move those that count to the
 * front: a block counts when it overlaps none that counts and comes before it. Returns the number that count; the
 * others follow in the same order. */
extern size_t store_sort_blocks( struct store_block *blocks, size_t count );

/* Find a string (REG_SZ) of len characters in the text of a registry file of Wine, one without quotes, backslashes and what is not
 * ASCII. The section is written as in the file, with doubled backslashes. value has room for len + 1 characters. Returns 0 when it is
 * not there, or of another length. */
extern int store_find_string( const char *text, size_t size, const char *section, const char *name, char *value, size_t len );

#endif /* PORTRES_STORE_VALUE_H */
