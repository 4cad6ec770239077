/*
 * The wineserver of the prefix that ports are kept for
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "portguard_prefix.h"

/* A wineserver works in a folder named for the device and the inode of its prefix. Where that folder stands differs between
 * distributions (seen in Wine 8.0 and 10.0), but the name does not, and /proc tells in which folder a process works. */

static char name[64];
static char link_path[64];  /* /proc/PID/cwd of the wineserver */

static int is_wineserver( const char *path )
{
    char target[4096], *slash;
    ssize_t len = readlink( path, target, sizeof(target) - 1 );

    if (len <= 0) return 0;
    target[len] = 0;
    slash = strrchr( target, '/' );
    return slash && !strcmp( slash + 1, name );
}

/* The folder of the prefix. This program stands in its drive_c/windows/system32/portres, unless drive_c is a link to another place. Wine
 * gives a service an environment made from the registry, where WINEPREFIX is not; HOME alone could lead to another prefix. */
static int find_folder( char *path, size_t size )
{
    const char *prefix = getenv( "WINEPREFIX" );
    ssize_t len = readlink( "/proc/self/exe", path, size - sizeof("/dosdevices") );
    char *slash = NULL;
    int i;

    if (len > 0)
    {
        path[len] = 0;
        for (i = 0; i < 5 && (slash = strrchr( path, '/' )); i++) *slash = 0;
        if (slash)
        {
            memcpy( slash, "/dosdevices", sizeof("/dosdevices") );
            if (!access( path, F_OK ))
            {
                *slash = 0;
                return 1;
            }
        }
    }
    return prefix && snprintf( path, size, "%s", prefix ) < (int)size;
}

int prefix_find(void)
{
    char path[4096];
    struct dirent *entry;
    struct stat st;
    DIR *dir;
    int found = 0;

    if (!find_folder( path, sizeof(path) ) || stat( path, &st )) return 0;
    snprintf( name, sizeof(name), "server-%llx-%llx", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino );

    if (!(dir = opendir( "/proc" ))) return 0;
    while (!found && (entry = readdir( dir )))
    {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || strlen( entry->d_name ) > 20) continue;
        snprintf( link_path, sizeof(link_path), "/proc/%.20s/cwd", entry->d_name );
        found = is_wineserver( link_path );  /* not readable for those of other users */
    }
    closedir( dir );
    return found;
}

int prefix_alive(void)
{
    return is_wineserver( link_path );
}
