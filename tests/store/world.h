/*
 * A disk and a registry for the store and the state's file, in memory
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_STORE_WORLD_H
#define PORTRES_TESTS_STORE_WORLD_H

#include <windows.h>

/* The server lives in a child process, so that it can be killed at any call; the world lives on, in memory that both have. A disk
 * remembers what was flushed, of files and of folders apart. */

#define WORLD_PATH   40     /* characters of a file's name, without its folder */
#define WORLD_FILE   80000  /* largest size of a file */
#define WORLD_INODES 24
#define WORLD_NAMES  8
#define WORLD_VALUES 3000   /* of one key */

struct world_inode
{
    size_t        size, synced_size;
    unsigned char data[WORLD_FILE], synced[WORLD_FILE];
    int           registry;     /* of a registry file: index of what it holds, from 1 */
};

struct world_name
{
    WCHAR name[WORLD_PATH];
    int   inode, synced;        /* index, -1: there is none */
};

struct world_value
{
    WCHAR name[24];
    DWORD type, size;
    BYTE  data[256];
};

struct world_table
{
    unsigned int       count;
    struct world_value values[WORLD_VALUES];
};

enum { TABLE_TCP, TABLE_UDP, TABLE_STATE, TABLES };

struct world_registry
{
    int                exists[TABLES];
    struct world_table tables[TABLES];
};

struct world
{
    struct world_inode    inodes[WORLD_INODES];
    struct world_name     names[WORLD_NAMES];
    struct world_registry registry, saved[2];   /* as it is, and what is in a registry file, in turn */
    unsigned int          saves;
    char                  prefix[2000];         /* Unix path */
    uint64_t              boot_time, random;
    /* faults */
    unsigned int calls;                         /* made since it was set to 0 */
    unsigned int fail_at, crash_at;             /* the call that fails, or that the server does not survive; 0: none */
    unsigned int fail_from;                     /* all calls from this one that change a file (fail_kind 1) or the registry (2) fail; 0: none */
    unsigned int fail_kind;
    const char  *failed;                        /* name of the function that did */
    int          disk_full, read_only;
    unsigned int edit_at, enumerated;           /* after so many values were listed somebody edits the key */
    int          edit_always;
    /* what was seen */
    unsigned int log_lines;
    char         last_line[512];
    int          private_files;                 /* made or opened by create_private_file() */
    uint64_t     extra[2048];                   /* for the tests, who share it with their servers */
};

extern struct world *world;

/* Begin with an empty world; the first call makes it. */
extern void world_reset(void);
/* Run a function as a server: its exit code, 0 to 99, or CRASHED. */
#define CRASHED 100
extern int world_run( int (*server)(void) );

/* wineserver writes its registry, under another name first, and flushes nothing */
extern void world_save_registry(void);
/* kill -9 of wineserver */
extern void world_lose_registry(void);
/* The power fails: of what was not flushed, any part may be on the disk. The registry goes as well. */
extern void world_lose_power(void);

extern struct world_value *world_find_value( int table, const WCHAR *name );
extern void world_set_value( int table, const WCHAR *name, DWORD type, const void *data, DWORD size );
extern int world_delete_value( int table, const WCHAR *name );
/* the file's size, -1 when there is none */
extern long world_file_size( const WCHAR *name );
extern unsigned char *world_file_data( const WCHAR *name );

#endif /* PORTRES_TESTS_STORE_WORLD_H */
