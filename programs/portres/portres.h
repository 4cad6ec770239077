/*
 * portres: the part of wine-portres that runs inside a prefix
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTRES_H
#define PORTRES_PORTRES_H

#include <stdio.h>

#include "text.h"
#include "error.h"
#include "portclient.h"
#include <windows.h>

/* exit codes */
#define EXIT_OK        0
#define EXIT_FAILED    1
#define EXIT_USAGE     2
#define EXIT_MANAGERS  3  /* two service managers run; nothing was done */
#define EXIT_NO_HOST   4  /* this Wine has no reservations, and the component is not installed */

#define EXIT_OTHER_DLL 5  /* a program that starts now gets a DLL of Wine's */

/* Print one line on stderr: what is wrong and what to do. Returns EXIT_FAILED. */
extern int fail( const char *format, ... ) __attribute__((format( __MINGW_PRINTF_FORMAT, 1, 2 )));

/* How many processes run that program. */
extern int count_processes( const WCHAR *name );

/* The file name of a running process as UTF-8, "?" when it is gone. */
extern void get_process_name( DWORD pid, char *name, unsigned int size );

/* Print the programs that run now and have a ws2_32 that is Wine's own (native 0) or ours (native 1),
 * Wine's own services left out, under a heading if there are any. */
extern void list_running_programs( int native, const char *heading );

#define PORTSERVER_FOLDER L"C:\\windows\\system32\\portres\\"
#define PORTSERVER_PATH   PORTSERVER_FOLDER L"portserver.exe"

enum server_state
{
    SERVER_NONE,           /* it has no pipe */
    SERVER_ANSWERS,
    SERVER_OTHER_VERSION,  /* it answers, in a way that is not ours */
    SERVER_SILENT,         /* it has a pipe, and did not answer within the time */
};

/* Ask the server that runs now, if one does; none is started. timeout in ms. */
extern enum server_state ask_server( DWORD timeout );
/* Handles (SYNCHRONIZE, PROCESS_TERMINATE) and ids of the processes that run our server's program; returns how many. */
extern unsigned int open_servers( HANDLE *processes, DWORD *ids, unsigned int count );
/* The id of one of them, 0 when there is none. */
extern DWORD find_server(void);
/* Was the server started before its files were put there? */
extern BOOL is_server_outdated(void);

enum host
{
    HOST_NONE = 1,  /* nobody answers: a Wine without reservations, in a prefix without the component */
    HOST_PREFIX,    /* portserver */
    HOST_WINE,      /* wineserver */
};

/* Whom the programs of this prefix ask. */
extern enum host find_host(void);
/* Has this Wine reservations of its own, whether the programs ask it or not? */
extern BOOL is_part_of_wine(void);
/* Ask that host: portclient_call() or afdclient_call(). */
extern NTSTATUS host_call( union generic_request *req, union generic_reply *reply );
/* The same for one page of a list, see protocol.def. */
extern NTSTATUS get_reservations( unsigned int protocol, unsigned int from, union generic_reply *reply );
extern NTSTATUS get_ports_in_use( unsigned int protocol, unsigned int first, unsigned int last, union generic_reply *reply );

/* DllOverrides of the current user. Both may be run again after having been interrupted anywhere. */
extern LONG add_overrides( char **names, int count );
extern LONG restore_overrides(void);

/* The service. All may be run again after having been interrupted anywhere, with a server in whatever state. install_service() also
 * starts it, and returns ERROR_SUCCESS only when it was seen to answer; restart replaces a server that runs already, whose runtime
 * reservations end then. */
extern DWORD install_service( int restart );
extern DWORD start_service(void);
extern DWORD remove_service(void);

/* Moves of files that Wine does when the prefix starts next: those to and from the DLLs with these names go to the place of Wine's own
 * (to_ours 0), or back to where it was (to_ours 1). */
extern LONG redirect_pending_renames( char **names, int count, int to_ours );

/* The commands, each returns an exit code. */
extern int show_status(void);
extern int show_host(void);
extern int list_reservations( int json );
/* The same, and then a line for each block and each port that changes, until it is ended. */
extern int watch_reservations(void);

/* Write Wine's own DLLs, as this Wine has them now, into a folder: args are the folder and names such as "ws2_32.dll". Those that Wine has
 * not are left out. Each is as it is in memory, for which nobody needs to know where Wine has it; NAME.file is a copy of its file, where that is found. */
extern int write_own_modules( char **args, int count );
/* Does a program that starts now get our DLLs? Prints the names of those that it does not get. */
extern int check_modules( char **names, int count );

#endif /* PORTRES_PORTRES_H */
