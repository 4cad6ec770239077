/*
 * The prefix that ports are kept for, and its wineserver
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "portguard_prefix.h"

#ifndef SO_NETNS_COOKIE
# define SO_NETNS_COOKIE 71  /* Linux 5.14 */
#endif

/* A wineserver works in a folder named for the device and the inode of its prefix, and has a lock on the file "lock" there as long as it runs.
 * Where that folder stands differs between distributions (seen in Wine 8.0 and 10.0), but the name does not, and /proc
 * tells in which folder a process works. */

static struct prefix_id id;
static char server_name[64];
static int server_fd = -1;  /* pidfd */
static int folder_fd = -1;  /* where wineserver works */

/* when the process was started, in the kernel's ticks; 0: it has ended, whether its parent knows or not (proc_pid_stat(5), field 22) */
static uint64_t start_time( unsigned int pid )
{
    unsigned long long start = 0;
    char path[64], text[1024], *ptr, state;
    size_t len;
    FILE *file;

    snprintf( path, sizeof(path), "/proc/%u/stat", pid );
    if (!(file = fopen( path, "re" ))) return 0;
    len = fread( text, 1, sizeof(text) - 1, file );
    fclose( file );
    text[len] = 0;
    /* the second field is a name in parentheses, which may hold anything */
    if (!(ptr = strrchr( text, ')' ))) return 0;
    if (sscanf( ptr + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state, &start ) != 2) return 0;
    return state == 'Z' || state == 'X' ? 0 : start;
}

/* Does the process work in the folder of the prefix's wineserver, as this user, and does nobody else have the lock there? */
static int is_wineserver( unsigned int pid )
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
    char path[64], target[4096], *slash;
    struct stat st;
    ssize_t len;
    int fd, ret;

    snprintf( path, sizeof(path), "/proc/%u", pid );
    if (stat( path, &st ) || st.st_uid != geteuid()) return 0;
    snprintf( path, sizeof(path), "/proc/%u/cwd", pid );
    len = readlink( path, target, sizeof(target) - 1 );
    if (len <= 0) return 0;
    target[len] = 0;
    slash = strrchr( target, '/' );
    if (!slash || strcmp( slash + 1, server_name )) return 0;

    snprintf( path, sizeof(path), "/proc/%u/cwd/lock", pid );
    if ((fd = open( path, O_RDWR | O_CLOEXEC )) < 0) return 0;
    ret = fcntl( fd, F_GETLK, &lock );
    close( fd );
    /* 0: the process is one of another PID namespace, as its own id tells it */
    return !ret && lock.l_type == F_WRLCK && (lock.l_pid == (pid_t)pid || lock.l_pid <= 0);
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

const struct prefix_id *prefix_find(void)
{
    char path[4096];
    struct dirent *entry;
    struct stat st;
    DIR *dir;
    int found = 0;

    if (!find_folder( path, sizeof(path) ) || stat( path, &st )) return NULL;
    snprintf( server_name, sizeof(server_name), "server-%llx-%llx", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino );
    if (!(dir = opendir( "/proc" ))) return NULL;
    while (!found && (entry = readdir( dir )))
    {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || strlen( entry->d_name ) > 9) continue;
        id.server_pid = strtoul( entry->d_name, NULL, 10 );
        /* the descriptor first: what is looked at then is this process, and no later one with its number */
        server_fd = syscall( SYS_pidfd_open, id.server_pid, 0 );
        id.server_start = start_time( id.server_pid );
        found = id.server_start && is_wineserver( id.server_pid );
        if (found)
        {
            snprintf( path, sizeof(path), "/proc/%u/cwd", id.server_pid );
            found = (folder_fd = open( path, O_PATH | O_DIRECTORY | O_CLOEXEC )) >= 0;
        }
        if (found || server_fd < 0) continue;
        close( server_fd );
        server_fd = -1;
    }
    closedir( dir );
    if (!found)
    {
        memset( &id, 0, sizeof(id) );  /* what was looked at last is no wineserver */
        return NULL;
    }
    id.device = st.st_dev;
    id.inode = st.st_ino;
    return &id;
}

int prefix_alive(void)
{
    return start_time( id.server_pid ) == id.server_start;
}

int prefix_fd(void)
{
    return server_fd;
}

void prefix_path( char *path, size_t size, const char *file )
{
    snprintf( path, size, "/proc/self/fd/%d/%s", folder_fd, file );
}

/* What tells networks apart; 0: the kernel does not say. */
static uint64_t network_of( int fd )
{
    uint64_t cookie = 0;
    socklen_t len = sizeof(cookie);

    return getsockopt( fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len ) ? 0 : cookie;
}

static int is_in_network_of( int fd )
{
    uint64_t theirs = network_of( fd ), ours;
    int own = socket( AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0 );
    struct stat st, own_st;
    char path[64];

    ours = own < 0 ? 0 : network_of( own );
    if (own >= 0) close( own );
    if (theirs && ours) return theirs == ours;
    /* an older kernel: wineserver makes the sockets of all of its programs */
    snprintf( path, sizeof(path), "/proc/%u/ns/net", id.server_pid );
    if (!id.server_start || stat( path, &st ) || stat( "/proc/self/ns/net", &own_st )) return 1;
    return st.st_dev == own_st.st_dev && st.st_ino == own_st.st_ino;
}

static int enter( const char *kind, int type )
{
    char path[64];
    int fd, ret;

    snprintf( path, sizeof(path), "/proc/%u/ns/%s", id.server_pid, kind );
    if ((fd = open( path, O_RDONLY | O_CLOEXEC )) < 0) return 0;
    ret = setns( fd, type );
    close( fd );
    return !ret;
}

int prefix_enter_network( int fd )
{
    if (is_in_network_of( fd )) return 1;
    if (!id.server_start) return 0;
    /* Root may. Others may where a user made the network's user namespace, as unshare(1) and its like do for who is not root. */
    if (!enter( "net", CLONE_NEWNET ) && (!enter( "user", CLONE_NEWUSER ) || !enter( "net", CLONE_NEWNET ))) return 0;
    return is_in_network_of( fd );
}

/* Where wineserver has the sockets that were asked about before. It never moves one to another descriptor, and keeps few descriptors that are
 * not a socket or a file of the prefix. So most of the next answer needs no search. */
struct place
{
    uint64_t inode;
    int fd;
};

static struct place *places;  /* by inode */
static unsigned int place_count;

static int compare_inodes( const void *a, const void *b )
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;  /* also a place begins with it */

    return x < y ? -1 : x > y;
}

/* the inode of the socket, 0: the descriptor is no socket */
static uint64_t socket_inode( int dir, const char *name )
{
    char target[64];
    ssize_t len = readlinkat( dir, name, target, sizeof(target) - 1 );

    if (len < (ssize_t)sizeof("socket:[") || memcmp( target, "socket:[", sizeof("socket:[") - 1 )) return 0;
    target[len] = 0;
    return strtoull( target + sizeof("socket:[") - 1, NULL, 10 );
}

int prefix_find_socks( const uint64_t *inodes, unsigned int count, unsigned char *alive )
{
    struct place *found, *place;
    unsigned int i, left = count, found_count = 0;
    struct dirent *entry;
    int complete;
    const uint64_t *inode;
    char path[64], name[16];
    DIR *dir;

    memset( alive, 0, count );
    if (!id.server_start) return 0;
    snprintf( path, sizeof(path), "/proc/%u/fd", id.server_pid );
    if (!(dir = opendir( path ))) return 0;
    if (!(found = malloc( (count + 1) * sizeof(*found) )))
    {
        closedir( dir );
        return 0;
    }
    for (i = 0; i < count; i++)
    {
        if (!place_count || !(place = bsearch( &inodes[i], places, place_count, sizeof(*places), compare_inodes ))) continue;
        snprintf( name, sizeof(name), "%d", place->fd );
        if (socket_inode( dirfd( dir ), name ) != inodes[i]) continue;
        alive[i] = 1;
        left--;
    }
    for (errno = 0; left && (entry = readdir( dir )); errno = 0)
    {
        uint64_t value = socket_inode( dirfd( dir ), entry->d_name );

        if (!value || !(inode = bsearch( &value, inodes, count, sizeof(*inodes), compare_inodes )) || alive[inode - inodes]) continue;
        alive[inode - inodes] = 2;
        found[found_count].inode = value;
        found[found_count++].fd = strtol( entry->d_name, NULL, 10 );
        left--;
    }
    complete = !left || !errno;
    closedir( dir );
    if (!complete)
    {
        free( found );
        return 0;
    }
    for (i = 0; i < count; i++)
    {
        if (alive[i] == 1)
        {
            place = bsearch( &inodes[i], places, place_count, sizeof(*places), compare_inodes );
            found[found_count++] = *place;
        }
        alive[i] = !!alive[i];
    }
    qsort( found, found_count, sizeof(*found), compare_inodes );
    free( places );
    places = found;
    place_count = found_count;
    return 1;
}
