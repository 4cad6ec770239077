/*
 * The DLL overrides that make Wine load the files of this component
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "portres.h"

static const WCHAR overrides_key[] = L"Software\\Wine\\DllOverrides";

/* What the user had before: one value for each override, with its type and data; REG_NONE stands for no override.
 * The key's own default value is set when there was no overrides_key at all. */
static const WCHAR saved_key[] = L"Software\\wine-portres\\DllOverrides";
static const WCHAR parent_key[] = L"Software\\wine-portres";

/* Wine, programs/winecfg and its documentation: a native file first, Wine's own when that can't be loaded */
static const WCHAR our_order[] = L"native,builtin";

struct value
{
    DWORD type;
    DWORD size;
    BYTE  data[1024];
};

static LONG get_value( HKEY key, const WCHAR *name, struct value *value )
{
    LONG ret;

    value->size = sizeof(value->data);
    ret = RegQueryValueExW( key, name, NULL, &value->type, value->data, &value->size );
    if (ret == ERROR_FILE_NOT_FOUND)
    {
        value->type = REG_NONE;
        value->size = 0;
        ret = ERROR_SUCCESS;
    }
    return ret;
}

static LONG put_value( HKEY key, const WCHAR *name, const struct value *value )
{
    return RegSetValueExW( key, name, 0, value->type, value->data, value->size );
}

static int is_ours( const struct value *value )
{
    return value->type == REG_SZ && value->size == sizeof(our_order) && !memcmp( value->data, our_order, sizeof(our_order) );
}

/* An override is saved before it is replaced, and never saved twice: what is saved is what the user had. */
static LONG add_override( HKEY key, HKEY saved, const WCHAR *name )
{
    struct value old;
    LONG ret;

    ret = RegQueryValueExW( saved, name, NULL, NULL, NULL, NULL );
    if (ret == ERROR_FILE_NOT_FOUND)
    {
        if ((ret = get_value( key, name, &old ))) return ret;
        ret = put_value( saved, name, &old );
    }
    if (ret) return ret;
    return RegSetValueExW( key, name, 0, REG_SZ, (const BYTE *)our_order, sizeof(our_order) );
}

LONG add_overrides( char **names, int count )
{
    HKEY key, saved;
    WCHAR name[MAX_PATH];
    LONG ret;
    int i, is_new;

    ret = RegOpenKeyExW( HKEY_CURRENT_USER, overrides_key, 0, KEY_READ, &key );
    if (ret && ret != ERROR_FILE_NOT_FOUND) return ret;
    is_new = (ret == ERROR_FILE_NOT_FOUND);
    if (!ret) RegCloseKey( key );

    if ((ret = RegCreateKeyExW( HKEY_CURRENT_USER, saved_key, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &saved, NULL ))) return ret;
    if (is_new) ret = RegSetValueExW( saved, NULL, 0, REG_SZ, (const BYTE *)L"", sizeof(WCHAR) );
    if (!ret && !(ret = RegCreateKeyExW( HKEY_CURRENT_USER, overrides_key, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL )))
    {
        for (i = 0; i < count && !ret; i++)
        {
            if (MultiByteToWideChar( CP_ACP, 0, names[i], -1, name, MAX_PATH )) ret = add_override( key, saved, name );
            else ret = GetLastError();
        }
        RegCloseKey( key );
    }
    RegCloseKey( saved );
    return ret;
}

/* The user may have changed an override since; then it stays as it is. */
static LONG restore_override( HKEY key, HKEY saved, const WCHAR *name )
{
    struct value old, now;
    LONG ret;

    if ((ret = get_value( saved, name, &old ))) return ret;
    if ((ret = get_value( key, name, &now ))) return ret;
    if (is_ours( &now ))
    {
        if (old.type == REG_NONE) ret = RegDeleteValueW( key, name );
        else ret = put_value( key, name, &old );
        if (ret) return ret;
    }
    return RegDeleteValueW( saved, name );
}

/* Wine's RegDeleteKey removes subkeys as well, so ask first. */
static int is_empty( HKEY key )
{
    DWORD subkeys, values;

    return !RegQueryInfoKeyW( key, NULL, NULL, NULL, &subkeys, NULL, NULL, &values, NULL, NULL, NULL, NULL )
           && !subkeys && !values;
}

static void delete_if_empty( const WCHAR *path )
{
    HKEY key;
    int empty;

    if (RegOpenKeyExW( HKEY_CURRENT_USER, path, 0, KEY_READ, &key )) return;
    empty = is_empty( key );
    RegCloseKey( key );
    if (empty) RegDeleteKeyW( HKEY_CURRENT_USER, path );
}

LONG restore_overrides(void)
{
    HKEY key, saved;
    WCHAR name[MAX_PATH];
    DWORD index = 0, len;
    LONG ret;
    int was_new = 0;

    ret = RegOpenKeyExW( HKEY_CURRENT_USER, saved_key, 0, KEY_ALL_ACCESS, &saved );
    if (ret == ERROR_FILE_NOT_FOUND) return ERROR_SUCCESS;
    if (ret) return ret;

    if (!(ret = RegCreateKeyExW( HKEY_CURRENT_USER, overrides_key, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL )))
    {
        /* each value goes away as it is restored, so index moves on only over the default value */
        for (;;)
        {
            len = MAX_PATH;
            if ((ret = RegEnumValueW( saved, index, name, &len, NULL, NULL, NULL, NULL ))) break;
            if (!name[0])
            {
                was_new = 1;
                index++;
            }
            else if ((ret = restore_override( key, saved, name ))) break;
        }
        if (ret == ERROR_NO_MORE_ITEMS) ret = ERROR_SUCCESS;
        RegCloseKey( key );
    }
    RegCloseKey( saved );
    if (ret) return ret;

    if (was_new) delete_if_empty( overrides_key );
    ret = RegDeleteKeyW( HKEY_CURRENT_USER, saved_key );
    delete_if_empty( parent_key );
    return ret;
}
