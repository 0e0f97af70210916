import '@jumin/shared/styles/base.css'
import './app.css'
import { startMessages, startTheme } from '@jumin/shared'
import { mount } from 'svelte'
import App from './App.svelte'
import en from './messages/en.json'
import ko from './messages/ko.json'

// A build in another mode drops the branch and with it the mock.
if (import.meta.env.MODE === 'mock') (await import('./dev/mock')).startMock()

startTheme()
startMessages({ ko, en }, navigator.language.startsWith('ko') ? 'ko' : 'en')
mount(App, { target: document.getElementById('app')! })
