import '@jumin/shared/styles/base.css'
import './explorer.css'
import { startMessages, startTheme } from '@jumin/shared'
import { mount } from 'svelte'
import App from './App.svelte'
import en from './messages/en.json'
import ko from './messages/ko.json'
import { chosen } from './state/settings.svelte'

const { language, theme } = chosen()
startTheme(theme)
startMessages({ ko, en }, language)
mount(App, { target: document.getElementById('app')! })
