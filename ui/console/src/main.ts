import '@jumin/shared/styles/base.css'
import { startMessages, startTheme } from '@jumin/shared'
import { mount } from 'svelte'
import App from './App.svelte'
import en from './messages/en.json'
import ko from './messages/ko.json'

startTheme()
startMessages({ ko, en }, 'ko')
mount(App, { target: document.getElementById('app')! })
