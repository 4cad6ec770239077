/*
 * Tests of the values that the store reads and writes
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "test.h"

#include <stdlib.h>

#include "../../store/store_value.h"

#define BINARY 3  /* REG_BINARY */

static enum store_error parse( const char *name, struct store_block *block )
{
    memset( block, 0, sizeof(*block) );
    return store_parse_value( name, strlen( name ), BINARY, store_value_data, STORE_DATA_LEN, block );
}

/* "its name is eight hex digits, the start port in network order then the count in little-endian order" */
static void test_value_names(void)
{
    static const struct
    {
        const char  *name;
        unsigned int first, count;
    }
    tests[] =
    {
        { "cc570100", 52311, 1 },  /* the example of the BigFix forum's thread 23004 */
        { "c3503c00", 50000, 60 },
        { "00010100", 1, 1 },
        { "0001ffff", 1, 65535 },
        { "ffff0100", 65535, 1 },
        { "00ff0001", 255, 256 },
    };
    struct store_block block;
    char name[STORE_NAME_LEN + 1];
    unsigned int i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        store_format_name( name, tests[i].first, tests[i].count );
        ok( !strcmp( name, tests[i].name ), "%u: got %s", i, name );
        ok( parse( tests[i].name, &block ) == STORE_VALUE_OK, "%u: %s was refused", i, tests[i].name );
        ok( block.first == tests[i].first && block.count == tests[i].count, "%u: got %u, %u", i, block.first, block.count );
    }
    ok( parse( "CC570100", &block ) == STORE_VALUE_OK && block.first == 52311 && block.count == 1,
        "upper case: got %u, %u", block.first, block.count );
    ok( parse( "cC570100", &block ) == STORE_VALUE_OK, "mixed case was refused" );
}

/* "its data 12 00 ff ff" */
static void test_value_data(void)
{
    static const unsigned char expected[] = { 0x12, 0x00, 0xff, 0xff }, other[] = { 0x12, 0x00, 0x00, 0x00 };
    struct store_block block = { 0, 0 };
    enum store_error ret;

    ok( sizeof(store_value_data) == 4 && !memcmp( store_value_data, expected, 4 ), "wrong data" );
    ret = store_parse_value( "cc570100", 8, BINARY, other, 4, &block );
    ok( ret == STORE_VALUE_OTHER_DATA, "got %d", ret );
    ok( block.first == 52311 && block.count == 1, "got %u, %u", block.first, block.count );
}

/* "An unreadable value is left alone and logged" */
static void test_unreadable_values(void)
{
    static const char *const names[] = { "", "cc5701", "cc57010", "cc5701000", "cc57010g", "xc570100", "cc57 100", "0xcc5701", "cc57-100" };
    static const char *const blocks[] = { "00000100", "cc570000", "ffff0200", "00020000", "0002ffff", "00000000", "ffffffff", "8000ffff" };
    struct store_block block;
    enum store_error ret;
    unsigned int i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    {
        ret = parse( names[i], &block );
        ok( ret == STORE_VALUE_BAD_NAME, "\"%s\": got %d", names[i], ret );
    }
    for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
    {
        ret = parse( blocks[i], &block );
        ok( ret == STORE_VALUE_BAD_BLOCK, "\"%s\": got %d", blocks[i], ret );
        ok( strlen( store_error_text( ret ) ) > 0, "no text for %d", ret );
    }
    ret = store_parse_value( "cc570100", 8, 1 /* REG_SZ */, store_value_data, 4, &block );
    ok( ret == STORE_VALUE_BAD_TYPE, "REG_SZ: got %d", ret );
    ret = store_parse_value( "cc570100", 8, 4 /* REG_DWORD */, store_value_data, 4, &block );
    ok( ret == STORE_VALUE_BAD_TYPE, "REG_DWORD: got %d", ret );
    for (i = 0; i < 16; i++)
    {
        static const unsigned char data[16] = { 0x12, 0x00, 0xff, 0xff };

        if (i == 4) continue;
        ret = store_parse_value( "cc570100", 8, BINARY, data, i, &block );
        ok( ret == STORE_VALUE_BAD_DATA, "%u bytes: got %d", i, ret );
    }
}

/* "Blocks that overlap in a hand-edited store: the first by start port counts, the other is logged" */
static void test_overlapping_blocks(void)
{
    static const struct store_block unsorted[] =
    {
        { 300, 10 }, { 105, 10 }, { 100, 10 }, { 110, 1 }, { 65535, 1 }, { 200, 1 }, { 200, 5 }, { 309, 2 }, { 65000, 536 }, { 1, 1 },
    };
    static const struct store_block sorted[] =
    {
        { 1, 1 }, { 100, 10 }, { 110, 1 }, { 200, 5 }, { 300, 10 }, { 65000, 536 },
        /* those that don't count */
        { 105, 10 }, { 200, 1 }, { 309, 2 }, { 65535, 1 },
    };
    struct store_block blocks[sizeof(unsorted) / sizeof(unsorted[0])];
    size_t count, i;

    memcpy( blocks, unsorted, sizeof(blocks) );
    count = store_sort_blocks( blocks, sizeof(blocks) / sizeof(blocks[0]) );
    ok( count == 6, "got %u", (unsigned int)count );
    for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        ok( blocks[i].first == sorted[i].first && blocks[i].count == sorted[i].count, "%u: got %u, %u",
            (unsigned int)i, blocks[i].first, blocks[i].count );
    ok( !store_sort_blocks( NULL, 0 ), "an empty store has blocks" );
}

/* Any store: what counts does not overlap, nothing is lost, and what does not count overlaps something that does. */
static void test_random_stores(void)
{
    struct store_block blocks[200];
    size_t count, i, j, n;
    unsigned int round, sum_before, sum_after;

    srand( 1 );
    for (round = 0; round < 500; round++)
    {
        n = rand() % 200;
        for (i = sum_before = sum_after = 0; i < n; i++)
        {
            blocks[i].first = 1 + rand() % 2000;
            blocks[i].count = 1 + rand() % 30;
            sum_before += blocks[i].first * 31 + blocks[i].count;
        }
        count = store_sort_blocks( blocks, n );
        ok( count <= n, "%u: got %u of %u", round, (unsigned int)count, (unsigned int)n );
        for (i = 0; i < n; i++) sum_after += blocks[i].first * 31 + blocks[i].count;
        ok( sum_before == sum_after, "%u: blocks were lost", round );
        for (i = 1; i < count; i++)
            ok( blocks[i].first >= blocks[i - 1].first + blocks[i - 1].count, "%u: %u overlaps", round, (unsigned int)i );
        for (i = count; i < n; i++)
        {
            for (j = 0; j < count; j++)
                if (blocks[i].first < blocks[j].first + blocks[j].count && blocks[j].first < blocks[i].first + blocks[i].count) break;
            ok( j < count && blocks[j].first <= blocks[i].first, "%u: block %u is left out", round, (unsigned int)i );
        }
    }
}

/* what Wine's registry file looks like */
static void test_registry_file(void)
{
    static const char text[] =
        "WINE REGISTRY Version 2\n;; All keys relative to \\Machine\n\n#arch=win64\n\n"
        "[Software\\\\wine-port] 1700000000\n#time=1da0000\n\"Journal\"=\"00\"\n\n"
        "[Software\\\\Wine-PortRes] 1700000000\n#time=1da0000\n\"Other\"=dword:00000001\n"
        "\"Journal\"=\"12-ab\"\n\n[Software\\\\zzz]\n\"Journal\"=\"34-56\"\n";
    static const char section[] = "Software\\\\wine-portres", name[] = "Journal";
    char value[8];
    size_t i;

    ok( store_find_string( text, strlen( text ), section, name, value, 5 ), "not found" );
    ok( !strcmp( value, "12-ab" ), "got '%s'", value );
    ok( !store_find_string( text, strlen( text ), section, name, value, 4 ), "found one that is longer" );
    ok( !store_find_string( text, strlen( text ), section, name, value, 6 ), "found one that is shorter" );
    ok( !store_find_string( text, strlen( text ), "Software\\\\wine-portre", name, value, 5 ), "found in another section" );
    ok( !store_find_string( text, strlen( text ), section, "Journa", value, 5 ), "found another value" );
    ok( !store_find_string( text, strlen( text ), section, "Other", value, 5 ), "found a number" );
    ok( !store_find_string( "", 0, section, name, value, 5 ), "found in nothing" );

    /* a file that ends anywhere: the whole value or none */
    for (i = 0; i < strlen( text ); i++)
    {
        char *copy = malloc( i + 1 );

        if (!ok( copy != NULL, "out of memory" )) return;
        memcpy( copy, text, i );
        if (store_find_string( copy, i, section, name, value, 5 ))
            ok( !strcmp( value, "12-ab" ), "%u: got '%s'", (unsigned int)i, value );
        free( copy );
    }
}

int main(void)
{
    test_value_names();
    test_value_data();
    test_unreadable_values();
    test_overlapping_blocks();
    test_random_stores();
    test_registry_file();
    return test_summary( "test_store_value" );
}
